/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sound: a sound card of the guest; and Audio: where its sound goes on the host. */
#pragma once

#include "model/domain/device.h"

enum sound_model {
    SOUND_UNSET,
    SOUND_SB16,
    SOUND_ES1370,
    SOUND_PCSPK,
    SOUND_AC97,
    SOUND_ICH6,
    SOUND_ICH9,
    SOUND_USB,
    SOUND_ICH7,
    SOUND_VIRTIO,
    SOUND_MODEL_MAX
};
extern const char *const sound_model_names[];

struct sound_codec {
    char *type; /* duplex, micro, output */
};
struct sound {
    enum sound_model model;
    enum tristate multichannel; /* yes, no */
    struct opt_u32 streams;
    struct sound_codec **codecs;
    size_t n_codecs;
    uint32_t audio_id; /* 0: not given */
    struct virtio_options virtio;
    struct device_info info;
};
XT_DECLARE(sound_table, struct sound);

enum audio_type {
    AUDIO_UNSET,
    AUDIO_NONE,
    AUDIO_ALSA,
    AUDIO_COREAUDIO,
    AUDIO_JACK,
    AUDIO_OSS,
    AUDIO_PULSEAUDIO,
    AUDIO_SDL,
    AUDIO_SPICE,
    AUDIO_FILE,
    AUDIO_DBUS,
    AUDIO_PIPEWIRE,
    AUDIO_TYPE_MAX
};
extern const char *const audio_type_names[];

/* One direction: <input> or <output>. */
struct audio_stream {
    enum tristate mixing_engine, fixed_settings; /* yes, no */
    uint32_t voices, buffer_length;              /* 0: not given */
    struct opt_u32 frequency, channels;
    char *format; /* s8 u8 s16 u16 s32 u32 f32 */
    char *dev, *name, *stream_name, *server_name, *client_name, *connect_ports;
    enum tristate try_poll, exact_name; /* yes, no */
    uint32_t buffer_count, latency;
};
struct audio {
    uint32_t id;
    enum audio_type type;
    uint32_t timer_period;
    char *server_name, *runtime_dir, *path, *driver;
    enum tristate try_mmap, exclusive; /* yes, no */
    struct opt_i32 dsp_policy;
    struct audio_stream input, output;
};
XT_DECLARE(audio_table, struct audio);
