/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtqemud/migratable.h"

#include "base/str.h"
#include "model/domain/domain.h"
#include "virtqemud/defaults/defaults.h"

/* The text of a device, to see that nothing was said of it. */
static bool same_text(const struct domain *domain, const struct audio *audio, const struct audio *plain)
{
    struct domain one = {.virt = domain->virt}, other = one;
    auto_buf struct buf a = {0}, b = {0};

    one.devices = (struct devices){.audios = (struct audio **)&audio, .n_audios = 1};
    other.devices = (struct devices){.audios = (struct audio **)&plain, .n_audios = 1};
    domain_format(&a, &one, DOMAIN_FORMAT_INACTIVE);
    domain_format(&b, &other, DOMAIN_FORMAT_INACTIVE);
    return str_eq(buf_text(&a), buf_text(&b));
}

static void drop_audio(struct domain *domain)
{
    struct audio plain = {.id = 1, .type = defaults_audio_type(&domain->devices)};

    if (domain->devices.n_audios == 1 && same_text(domain, domain->devices.audios[0], &plain))
        domain->devices.n_audios = 0;
}

/* The keyboard that every PC has; the mouse was always written. */
static void drop_keyboard(struct arena *arena, struct devices *devices)
{
    struct input **kept = ARENA_ARRAY(arena, struct input *, devices->n_inputs + 1);
    size_t count = 0;

    for (size_t i = 0; i < devices->n_inputs; i++)
        if (devices->inputs[i]->type != INPUT_KEYBOARD || devices->inputs[i]->bus != INPUT_BUS_PS2)
            kept[count++] = devices->inputs[i];
    devices->inputs = kept;
    devices->n_inputs = count;
}

static unsigned of_type(const struct devices *devices, enum controller_type type)
{
    unsigned count = 0;

    for (size_t i = 0; i < devices->n_controllers; i++)
        count += devices->controllers[i]->type == type;
    return count;
}

/* The USB controller of PIIX3 and the PCI root, when there is no other of their kind. */
static void drop_controllers(struct arena *arena, struct devices *devices)
{
    struct controller **kept = ARENA_ARRAY(arena, struct controller *, devices->n_controllers + 1);
    bool only_usb = of_type(devices, CONTROLLER_USB) == 1, only_pci = of_type(devices, CONTROLLER_PCI) == 1;
    size_t count = 0;

    for (size_t i = 0; i < devices->n_controllers; i++) {
        const struct controller *it = devices->controllers[i];
        bool usb = only_usb && it->type == CONTROLLER_USB && it->index.value == 0 &&
                   (it->model == CMODEL_UNSET || it->model == CMODEL_USB_PIIX3_UHCI);
        bool pci = only_pci && it->type == CONTROLLER_PCI && it->model == CMODEL_PCI_ROOT &&
                   !it->pcihole64.set && !it->target_index.set && !it->numa_node.set;

        if (!usb && !pci)
            kept[count++] = devices->controllers[i];
    }
    devices->controllers = kept;
    devices->n_controllers = count;
}

void migratable_format(struct buf *text, struct arena *arena, const struct domain *domain, unsigned flags)
{
    struct domain slim = *domain;

    if (chipset_of(&domain->os)) {
        drop_controllers(arena, &slim.devices);
        drop_keyboard(arena, &slim.devices);
        drop_audio(&slim);
    }
    domain_format(text, &slim, flags | DOMAIN_FORMAT_MIGRATABLE | DOMAIN_FORMAT_SECURE);
}
