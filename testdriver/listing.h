/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What networks, interfaces and pools have in common: the four old list calls and three answers on one. */
#pragma once

#include "testdriver/driver.h"

uint32_t things_count(const struct list *things, bool active);
/* At most max names, in the call's arena. */
uint32_t things_names(struct req *rq, const struct list *things, bool active, int max, char ***ret);

/* Methods m_num, m_names, m_num_defined, m_names_defined for a list of the world. */
#define LISTING_METHODS(things, procedures)                                                                  \
    static int m_num(struct req *rq, struct client *client,                                                  \
                     const struct remote_connect_num_of_##procedures##_in *in,                               \
                     struct remote_connect_num_of_##procedures##_out *out)                                   \
    {                                                                                                        \
        out->num = (int32_t)things_count(&rq->world->things, true);                                          \
        return 0;                                                                                            \
    }                                                                                                        \
    static int m_names(struct req *rq, struct client *client,                                                \
                       const struct remote_connect_list_##procedures##_in *in,                               \
                       struct remote_connect_list_##procedures##_out *out)                                   \
    {                                                                                                        \
        out->names.n = things_names(rq, &rq->world->things, true, in->maxnames, &out->names.v);              \
        return 0;                                                                                            \
    }                                                                                                        \
    static int m_num_defined(struct req *rq, struct client *client,                                          \
                             const struct remote_connect_num_of_defined_##procedures##_in *in,               \
                             struct remote_connect_num_of_defined_##procedures##_out *out)                   \
    {                                                                                                        \
        out->num = (int32_t)things_count(&rq->world->things, false);                                         \
        return 0;                                                                                            \
    }                                                                                                        \
    static int m_names_defined(struct req *rq, struct client *client,                                        \
                               const struct remote_connect_list_defined_##procedures##_in *in,               \
                               struct remote_connect_list_defined_##procedures##_out *out)                   \
    {                                                                                                        \
        out->names.n = things_names(rq, &rq->world->things, false, in->maxnames, &out->names.v);             \
        return 0;                                                                                            \
    }

/* Methods m_is_active, m_is_persistent, m_get_autostart, m_set_autostart of a `struct noun` with a thing. */
#define THING_METHODS(noun, procedures)                                                                      \
    static int m_is_active(struct req *rq, struct noun *noun,                                                \
                           const struct remote_##procedures##_is_active_in *in,                              \
                           struct remote_##procedures##_is_active_out *out)                                  \
    {                                                                                                        \
        out->active = noun->thing.active;                                                                    \
        return 0;                                                                                            \
    }                                                                                                        \
    static int m_is_persistent(struct req *rq, struct noun *noun,                                            \
                               const struct remote_##procedures##_is_persistent_in *in,                      \
                               struct remote_##procedures##_is_persistent_out *out)                          \
    {                                                                                                        \
        out->persistent = noun->thing.persistent;                                                            \
        return 0;                                                                                            \
    }                                                                                                        \
    static int m_get_autostart(struct req *rq, struct noun *noun,                                            \
                               const struct remote_##procedures##_get_autostart_in *in,                      \
                               struct remote_##procedures##_get_autostart_out *out)                          \
    {                                                                                                        \
        out->autostart = noun->thing.autostart;                                                              \
        return 0;                                                                                            \
    }                                                                                                        \
    static int m_set_autostart(struct req *rq, struct noun *noun,                                            \
                               const struct remote_##procedures##_set_autostart_in *in,                      \
                               struct remote_##procedures##_set_autostart_out *out)                          \
    {                                                                                                        \
        noun->thing.autostart = in->autostart != 0;                                                          \
        return 0;                                                                                            \
    }
