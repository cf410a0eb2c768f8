/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sound: rows of <sound> and <audio>. */
#define ERR_FROM ERR_FROM_DOMAIN

#include "model/domain/sound.h"

const char *const sound_model_names[] = {"",     "sb16", "es1370", "pcspk",  "ac97", "ich6",
                                         "ich9", "usb",  "ich7",   "virtio", NULL};
const char *const audio_type_names[] = {"",    "none",  "alsa", "coreaudio", "jack",     "oss", "pulseaudio",
                                        "sdl", "spice", "file", "dbus",      "pipewire", NULL};

static int sound_finish(struct xt_parse *parse, void *object)
{
    struct sound *sound = object;

    if (!sound->model)
        return err_set(parse->err, ERR_XML_ERROR, "missing model attribute of <sound>");
    if (sound->model == SOUND_ICH7)
        sound->model = SOUND_ICH6;
    return 0;
}

/* clang-format off */
XT_DECLARE(sound_codec_table, struct sound_codec);
#define T struct sound_codec
XT_DEFINE(sound_codec_table, "codec", NULL,
    XT_ATTR(T, type, "type", str, XT_REQUIRED | XT_ABI));
#undef T

#define T struct sound
XT_DEFINE(sound_table, "sound", sound_finish,
    XT_ENUM(T, model, "model", sound_model_names, XT_ABI),
    XT_ATTR(T, multichannel, "multichannel", yesno, XT_ABI),
    XT_ATTR(T, streams, "streams", opt_u32, XT_ABI),
    XT_LIST(T, codecs, n_codecs, "codec", sound_codec_table, XT_ABI),
    XT_GROUP("audio", 0, XT_ATTR(T, audio_id, "id", u32, 0)),
    XT_GROUP("driver", 0, XT_EMBED(T, virtio, NULL, virtio_options_table, 0)),
    XT_EMBED(T, info, NULL, device_info_table, 0));
#undef T

XT_DECLARE_ROWS(audio_stream_table, struct audio_stream);
#define T struct audio_stream
XT_DEFINE_ROWS(audio_stream_table, "input", NULL,
    XT_ATTR(T, mixing_engine, "mixingEngine", yesno, 0),
    XT_ATTR(T, fixed_settings, "fixedSettings", yesno, 0),
    XT_ATTR(T, voices, "voices", u32, 0),
    XT_ATTR(T, buffer_length, "bufferLength", u32, 0),
    XT_ATTR(T, dev, "dev", str, 0),
    XT_ATTR(T, name, "name", str, 0),
    XT_ATTR(T, stream_name, "streamName", str, 0),
    XT_ATTR(T, server_name, "serverName", str, 0),
    XT_ATTR(T, client_name, "clientName", str, 0),
    XT_ATTR(T, connect_ports, "connectPorts", str, 0),
    XT_ATTR(T, exact_name, "exactName", yesno, 0),
    XT_ATTR(T, latency, "latency", u32, 0),
    XT_ATTR(T, buffer_count, "bufferCount", u32, 0),
    XT_ATTR(T, try_poll, "tryPoll", yesno, 0),
    XT_GROUP("settings", 0,
        XT_ATTR(T, frequency, "frequency", opt_u32, 0),
        XT_ATTR(T, channels, "channels", opt_u32, 0),
        XT_ATTR(T, format, "format", str, 0)));
#undef T

#define T struct audio
XT_DEFINE(audio_table, "audio", NULL,
    XT_ATTR(T, id, "id", u32, XT_REQUIRED),
    XT_ENUM(T, type, "type", audio_type_names, XT_REQUIRED),
    XT_ATTR(T, timer_period, "timerPeriod", u32, 0),
    XT_ATTR(T, driver, "driver", str, 0),
    XT_ATTR(T, path, "path", str, 0),
    XT_ATTR(T, server_name, "serverName", str, 0),
    XT_ATTR(T, runtime_dir, "runtimeDir", str, 0),
    XT_ATTR(T, try_mmap, "tryMMap", yesno, 0),
    XT_ATTR(T, exclusive, "exclusive", yesno, 0),
    XT_ATTR(T, dsp_policy, "dspPolicy", opt_i32, 0),
    XT_EMBED(T, input, "input", audio_stream_table, 0),
    XT_EMBED(T, output, "output", audio_stream_table, 0));
#undef T
