/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sound: backends (-audiodev) and cards. */
#define ERR_FROM ERR_FROM_QEMU

#include "base/str.h"
#include "virtqemud/dev/dev.h"

static void stream_props(const struct audio_stream *stream, const char *name, struct props *props)
{
    static const struct audio_stream nothing;

    if (!memcmp(stream, &nothing, sizeof(nothing)))
        return;
    props_object(props, name);
    props_tristate(props, "mixing-engine", stream->mixing_engine);
    props_tristate(props, "fixed-settings", stream->fixed_settings);
    props_number(props, "voices", stream->voices);
    props_number(props, "buffer-length", stream->buffer_length);
    if (stream->frequency.set)
        props_u64(props, "frequency", stream->frequency.value);
    if (stream->channels.set)
        props_u64(props, "channels", stream->channels.value);
    props_string(props, "format", stream->format);
    props_string(props, "dev", stream->dev);
    props_string(props, "name", stream->name);
    props_string(props, "stream-name", stream->stream_name);
    props_string(props, "server-name", stream->server_name);
    props_string(props, "client-name", stream->client_name);
    props_string(props, "connect-ports", stream->connect_ports);
    props_tristate(props, "exact-name", stream->exact_name);
    props_tristate(props, "try-poll", stream->try_poll);
    props_number(props, "latency", stream->latency);
    props_number(props, "buffer-count", stream->buffer_count);
    props_end_object(props);
}

static int audio_command(struct build *build, void *device, struct err *err)
{
    static const char *const drivers[AUDIO_TYPE_MAX] = {
        [AUDIO_NONE] = "none", [AUDIO_ALSA] = "alsa",         [AUDIO_COREAUDIO] = "coreaudio",
        [AUDIO_JACK] = "jack", [AUDIO_OSS] = "oss",           [AUDIO_PULSEAUDIO] = "pa",
        [AUDIO_SDL] = "sdl",   [AUDIO_SPICE] = "spice",       [AUDIO_FILE] = "wav",
        [AUDIO_DBUS] = "dbus", [AUDIO_PIPEWIRE] = "pipewire",
    };
    const struct audio *audio = device;
    auto_props struct props props = {0};

    if (!drivers[audio->type])
        return err_set(err, ERR_CONFIG_UNSUPPORTED, "unsupported audio type");
    props_format(&props, "id", "audio%u", audio->id);
    props_string(&props, "driver", drivers[audio->type]);
    props_number(&props, "timer-period", audio->timer_period);
    props_string(&props, "path", audio->path);
    props_string(&props, "server", audio->server_name);
    props_tristate(&props, "try-mmap", audio->try_mmap);
    props_tristate(&props, "exclusive", audio->exclusive);
    if (audio->dsp_policy.set)
        props_i64(&props, "dsp-policy", audio->dsp_policy.value);
    stream_props(&audio->input, "in", &props);
    stream_props(&audio->output, "out", &props);
    build_json(build, "-audiodev", &props);
    return 0;
}

static void audiodev(const struct build *build, const struct sound *sound, struct props *props)
{
    uint32_t id = sound->audio_id;

    if (!id && build->domain->devices.n_audios)
        id = build->domain->devices.audios[0]->id;
    if (id)
        props_format(props, "audiodev", "audio%u", id);
}

/* An Intel HDA controller makes no sound itself: its codecs do. */
static int hda_codecs(struct build *build, const struct sound *sound)
{
    static const struct sound_codec duplex = {.type = (char *)"duplex"};
    size_t count = sound->n_codecs ? sound->n_codecs : 1;

    for (size_t i = 0; i < count; i++) {
        const struct sound_codec *codec = sound->n_codecs ? sound->codecs[i] : &duplex;
        auto_props struct props props = {0};

        props_format(&props, "driver", "hda-%s", codec->type);
        props_format(&props, "id", "%s-codec%zu", sound->info.alias, i);
        props_format(&props, "bus", "%s.0", sound->info.alias);
        props_u64(&props, "cad", i);
        audiodev(build, sound, &props);
        build_json(build, "-device", &props);
    }
    return 0;
}

static int sound_command(struct build *build, void *device, struct err *err)
{
    static const char *const drivers[SOUND_MODEL_MAX] = {
        [SOUND_SB16] = "sb16",
        [SOUND_ES1370] = "ES1370",
        [SOUND_AC97] = "AC97",
        [SOUND_ICH6] = "intel-hda",
        [SOUND_ICH9] = "ich9-intel-hda",
        [SOUND_USB] = "usb-audio",
        [SOUND_VIRTIO] = "virtio-sound-pci",
    };
    const struct sound *sound = device;
    auto_props struct props props = {0};
    bool hda = sound->model == SOUND_ICH6 || sound->model == SOUND_ICH9;

    /* the speaker is part of the machine: see build_machine() */
    if (sound->model == SOUND_PCSPK)
        return 0;
    props_string(&props, "driver", drivers[sound->model]);
    if (!hda)
        audiodev(build, sound, &props);
    if (sound->model == SOUND_USB)
        props_tristate(&props, "multi", sound->multichannel);
    if (sound->model == SOUND_VIRTIO) {
        props_number(&props, "streams", sound->streams.value);
        props_virtio(&props, &sound->virtio);
    }
    if (props_info(build, &props, &sound->info, err) < 0)
        return -1;
    build_json(build, "-device", &props);
    return hda ? hda_codecs(build, sound) : 0;
}

const struct dev_kind kind_audio = {.name = "audio", DEV_LIST(audios), .command = audio_command};
const struct dev_kind kind_sound = {.name = "sound", DEV_LIST(sounds), .command = sound_command};
