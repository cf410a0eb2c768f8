/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of caps.c among themselves: questions and answers (caps-learn.c), asking a real binary
 * (caps-probe.c), the file on disk (caps-file.c), the trial of KVM (caps-kvm.c).
 */
#pragma once

#include "virtqemud/caps.h"
#include "virtqemud/json.h"

enum qemu_cap_how { HOW_COMMAND, HOW_TYPE, HOW_PROPERTY, HOW_OBJECT, HOW_SCHEMA, HOW_OPTION, HOW_SINCE };
struct qemu_cap_row {
    const char *name;
    enum qemu_cap_how how;
    const char *what;
};
extern const struct qemu_cap_row qemu_cap_rows[QEMU_CAP_MAX];

/* One QMP command of the probe; `subject` is what it is about (a type, a CPU model), NULL or "" when nothing.
 */
struct caps_question {
    const char *command;
    const char *subject;
    const char *args; /* JSON or NULL */
};
/*
 * All that is asked for: of a QEMU that runs with this accelerator, everything (`whole`) or only what depends
 * on the accelerator. In the arena; no question needs the answer of another. Ends with command NULL.
 */
struct caps_question *caps_questions(struct arena *arena, enum qemu_accel accel, bool whole);
/*
 * Learn from the answer ("return" member's value; NULL: QEMU answered with an error, which is an answer too).
 * Copies what it needs into caps->arena. What is malformed is ignored.
 */
void caps_learn(struct qemu_caps *caps, enum qemu_accel accel, const struct caps_question *question,
                struct json_object *answer);
/* Does the QAPI schema (an answer of query-qmp-schema) know this path? Syntax: caps.def, SCHEMA. */
struct schema;
struct schema *schema_new(struct json_object *answer);
bool schema_has(const struct schema *schema, const char *path);
void schema_free(struct schema *schema);

/* Run the binary and fill caps (a zeroed struct with binary set). Negative with rq->err set. */
int caps_probe(struct req *rq, const struct qemu_caps_config *config, bool kvm, struct qemu_caps *caps);

/* Text of the file, and back. `identity` says which binary on which host in which state; one line. */
void caps_format(const struct qemu_caps *caps, const char *identity, struct buf *text);
/* NULL: not ours, another identity (unless NULL), damaged or of another version. One reference. */
struct qemu_caps *caps_parse(const char *text, size_t length, const char *identity);
/* Write dir/name, dir is made when missing; failing is only logged: what is kept can be found out again. */
void caps_keep(const char *dir, const char *name, const char *text, size_t length);
struct qemu_caps *caps_new(const char *binary);

void kvm_verdict_init(const struct qemu_caps_config *config);
void kvm_verdict_fini(void);
