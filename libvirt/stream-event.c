/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Callbacks of streams: the program is told from its event loop when there is something to read, or room to
 * write (always). A timer of the loop stands for the stream: it is due as long as what the program waits for
 * is there.
 */
#define ERR_FROM ERR_FROM_STREAMS
#include "libvirt/stream.h"

static int ready_events(virStreamPtr stream)
{
    int ready = VIR_STREAM_EVENT_WRITABLE;

    if (stream_readable(stream))
        ready |= VIR_STREAM_EVENT_READABLE;
    if (stream->failed)
        ready |= VIR_STREAM_EVENT_ERROR;
    return ready & (stream->watch.events | VIR_STREAM_EVENT_ERROR);
}

void stream_changed(virStreamPtr stream)
{
    if (stream->watch.timer > 0)
        virEventUpdateTimeout(stream->watch.timer, ready_events(stream) ? 0 : -1);
}

static void on_timer(int timer, void *opaque)
{
    virStreamPtr stream = opaque;
    virStreamEventCallback callback;
    void *data;
    int ready;

    link_lock(stream->object.conn->link);
    callback = stream->watch.callback;
    data = stream->watch.opaque;
    ready = callback ? ready_events(stream) : 0;
    link_unlock(stream->object.conn->link);
    if (ready)
        callback(stream, ready, data);
    link_lock(stream->object.conn->link);
    stream_changed(stream);
    link_unlock(stream->object.conn->link);
}

static bool check(virStreamPtr stream, const char *function, bool wanted)
{
    auto_err struct err err = {0};

    error_reset();
    if (!object_check(stream, KIND_STREAM, function, &err))
        ;
    else if (!!stream->watch.callback == wanted && (wanted || stream->started))
        return true;
    else if (!stream->started)
        err_set(&err, ERR_NO_SUPPORT, "%s", function); /* no call has started it */
    else
        err_set(&err, ERR_INTERNAL_ERROR,
                wanted ? "stream does not have a callback registered"
                       : "multiple stream callbacks not supported");
    error_raise(NULL, &err);
    return false;
}

API int virStreamEventAddCallback(virStreamPtr stream, int events, virStreamEventCallback cb, void *opaque,
                                  virFreeCallback ff)
{
    struct link *link;
    int timer;

    if (!check(stream, __func__, false))
        return -1;
    link = stream->object.conn->link;
    timer = virEventAddTimeout(-1, on_timer, object_ref(stream), object_unref);
    if (timer < 0) {
        object_unref(stream);
        return -1;
    }
    link_lock(link);
    stream->watch = (struct stream_watch){timer, events, cb, opaque, ff};
    stream_changed(stream);
    link_unlock(link);
    return 0;
}

API int virStreamEventUpdateCallback(virStreamPtr stream, int events)
{
    struct link *link;

    if (!check(stream, __func__, true))
        return -1;
    link = stream->object.conn->link;
    link_lock(link);
    stream->watch.events = events;
    stream_changed(stream);
    link_unlock(link);
    return 0;
}

API int virStreamEventRemoveCallback(virStreamPtr stream)
{
    struct stream_watch watch;
    struct link *link;

    if (!check(stream, __func__, true))
        return -1;
    link = stream->object.conn->link;
    link_lock(link);
    watch = stream->watch;
    stream->watch = (struct stream_watch){0};
    link_unlock(link);
    virEventRemoveTimeout(watch.timer);
    if (watch.release)
        watch.release(watch.opaque);
    return 0;
}
