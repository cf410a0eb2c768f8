/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virsh: what every command family uses. A command is one `const struct command`: name, words for help,
 * options, conflicts between them, and either an action (one call on one object, no code) or a function.
 *
 *     const struct command cmd_suspend = {
 *         "suspend", "suspend a domain", "Suspend a running domain.",
 *         OPTIONS(DOMAIN(LIST_ACTIVE)),
 *         ACTION(domain, virDomainSuspend),
 *         .done = "Domain '%s' suspended\n", .failed = "Failed to suspend domain '%s'",
 *     };
 *
 * The order of all commands stands in commands.def. Only the public API and lib/base are used here.
 *
 * A function returns 0, or -1 after it said why with say_error (or let an accessor say it); the message of
 * the library's last error is printed behind that by the frame. What accessors and *_own functions return
 * belongs to the command and is released when it ends: bodies have no cleanup of their own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "libvirt/libvirt.h"
#include "libvirt/virterror.h"

/*
 * What libvirt 9.0 didn't have, NEWER(virDomainGraphicsReload)(domain, ...): found by name, so that virsh
 * runs with that library too (and says so there).
 */
#define NEWER(function) ((__typeof__(&(function)))newer_symbol(#function))
void *newer_symbol(const char *name);

struct cmd;
struct command;

/* ---- options ---------------------------------------------------------------------------------------- */

enum option_kind {
    OPTION_NONE, /* ends the table */
    OPTION_FLAG,
    OPTION_STRING,
    OPTION_NUMBER, /* shown as <number>; what it may be is the accessor's business */
    OPTION_ALIAS,  /* .help: the name that it stands for, or "name=value" */
};

enum option_is {
    IS_REQUIRED = 1 << 0,
    IS_POSITIONAL = 1 << 1, /* shown as [--x]; without this bit, a string or number is shown as --x */
    IS_REPEATED = 1 << 2,   /* takes the rest; the last of the table */
    IS_NAMED = 1 << 3,      /* never filled by position */
    IS_EMPTY_OK = 1 << 4,   /* '' is a value */
    IS_UNNAMED = 1 << 6,    /* has no --name: only for `echo` */
    IS_HIDDEN = 1 << 5,     /* accepted, not shown in help: what libvirt 9.0 didn't have */
};

/* Candidates for `word` (may be ""): a NULL-terminated vector that the caller frees; NULL: none. Must not
 * wait for anything but an open local connection. */
typedef char **completer(struct cmd *cmd, unsigned bits);

struct cmd_option {
    const char *name;
    enum option_kind kind;
    unsigned is;
    const char *help;
    unsigned bits;       /* FLAG: what it adds to cmd_flags(); others: given to the completer */
    completer *complete; /* NULL: none (or `words`) */
    const char *words;   /* closed set, "a,b,c" */
    unsigned more;       /* FLAG_MORE: what it adds to cmd_more_flags(), a second set */
};

/* clang-format off */
#define OPTIONS(...) .options = (const struct cmd_option[]){__VA_ARGS__, {0}}
/* FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "affect running domain") */
#define FLAG(name, bits, help) {name, OPTION_FLAG, 0, help, bits}
#define FLAG_MORE(name, bits, help) {name, OPTION_FLAG, 0, help, 0, NULL, NULL, bits}
#define FLAG_NEW(name, bits, help) {name, OPTION_FLAG, IS_HIDDEN, help, bits}
/* Required, by position or name. Behind the help: `.complete = f, .words = "a,b", .bits = n` as needed. */
#define ARG(name, ...) {name, OPTION_STRING, IS_REQUIRED | IS_POSITIONAL, __VA_ARGS__}
#define ARG_NUMBER(name, ...) {name, OPTION_NUMBER, IS_REQUIRED | IS_POSITIONAL, __VA_ARGS__}
/* Required and shown as --name */
#define NAMED_ARG(name, ...) {name, OPTION_STRING, IS_REQUIRED, __VA_ARGS__}
#define STRING(name, ...) {name, OPTION_STRING, 0, __VA_ARGS__}
#define NUMBER(name, ...) {name, OPTION_NUMBER, 0, __VA_ARGS__}
/* Optional, never by position */
#define STRING_NAMED(name, ...) {name, OPTION_STRING, IS_NAMED, __VA_ARGS__}
#define NUMBER_NAMED(name, ...) {name, OPTION_NUMBER, IS_NAMED, __VA_ARGS__}
#define STRING_NEW(name, ...) {name, OPTION_STRING, IS_NAMED | IS_HIDDEN, __VA_ARGS__}
#define NUMBER_NEW(name, ...) {name, OPTION_NUMBER, IS_NAMED | IS_HIDDEN, __VA_ARGS__}
/* Optional and shown as [<x>] */
#define POSITIONAL_STRING(name, ...) {name, OPTION_STRING, IS_POSITIONAL, __VA_ARGS__}
#define POSITIONAL_NUMBER(name, ...) {name, OPTION_NUMBER, IS_POSITIONAL, __VA_ARGS__}
/* One or more; none or more */
#define ARGS(name, ...) {name, OPTION_STRING, IS_REQUIRED | IS_POSITIONAL | IS_REPEATED, __VA_ARGS__}
#define STRINGS(name, ...) {name, OPTION_STRING, IS_POSITIONAL | IS_REPEATED, __VA_ARGS__}
#define ALIAS(name, target) {name, OPTION_ALIAS, 0, target}

/* bits: VIR_CONNECT_LIST_DOMAINS_* for the candidates */
#define DOMAIN(list_bits) ARG("domain", "domain name, id or uuid", list_bits, complete_domain)
#define NETWORK(list_bits) ARG("network", "network name or uuid", list_bits, complete_network)
#define POOL(list_bits) ARG("pool", "pool name or uuid", list_bits, complete_pool)
#define FILE_ARG(help) ARG("file", help, 0, complete_file)
#define AFFECT \
    FLAG("config", VIR_DOMAIN_AFFECT_CONFIG, "affect next boot"), \
    FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "affect running domain"), \
    FLAG("current", VIR_DOMAIN_AFFECT_CURRENT, "affect current domain")
#define VALIDATE(bits) FLAG("validate", bits, "validate the XML against the schema")
/* of commands that end with print_xml() */
#define XPATH \
    STRING_NAMED("xpath", "xpath expression to filter the XML document"), \
    FLAG("wrap", 0, "wrap xpath results in an common root element")
#define POOL_BUILDING \
    FLAG("build", VIR_STORAGE_POOL_CREATE_WITH_BUILD, "build the pool as normal"), \
    FLAG("no-overwrite", VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE, \
         "do not overwrite any existing data"), \
    FLAG("overwrite", VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE, "overwrite any existing data")
/* for .conflicts, in stock's order */
#define AFFECT_CONFLICTS "current live, current config"
/* clang-format on */

completer complete_domain, complete_network, complete_pool, complete_volume, complete_secret,
    complete_interface, complete_nodedev, complete_nwfilter, complete_snapshot, complete_checkpoint,
    complete_file, complete_command;
/* For completers: take over a malloc'd vector of objects and name each. */
char **complete_names(void *objects, int count, const char *(*name)(void *object),
                      int (*unref)(void *object));

/* ---- a command -------------------------------------------------------------------------------------- */

/* Kinds of objects that an action works on and cmd_object finds. The option has the name in brackets. */
enum object_kind {
    OBJECT_none,
    OBJECT_domain,    /* [domain] */
    OBJECT_network,   /* [network] */
    OBJECT_pool,      /* [pool] */
    OBJECT_volume,    /* [vol], [pool] */
    OBJECT_interface, /* [interface] */
    OBJECT_nodedev,   /* [device] */
    OBJECT_nwfilter,  /* [nwfilter] */
    OBJECT_binding,   /* [binding] */
    OBJECT_secret,    /* [secret] */
    OBJECT_KINDS
};

/* The calls of an action: without flags, and with cmd_flags(). Which member is set follows from the kind. */
union action_call {
    int (*domain)(virDomainPtr);
    int (*network)(virNetworkPtr);
    int (*pool)(virStoragePoolPtr);
    int (*secret)(virSecretPtr);
    int (*nwfilter)(virNWFilterPtr);
    int (*binding)(virNWFilterBindingPtr);
    int (*nodedev)(virNodeDevicePtr);
    int (*any)(void); /* to see whether there is one */
};
union action_flags_call {
    int (*domain)(virDomainPtr, unsigned int);
    int (*pool)(virStoragePoolPtr, unsigned int);
    int (*volume)(virStorageVolPtr, unsigned int);
    int (*interface)(virInterfacePtr, unsigned int);
    int (*nodedev)(virNodeDevicePtr, unsigned int);
};
#define ACTION(kind, function) .object = OBJECT_##kind, .call.kind = function
#define ACTION_FLAGS(kind, function) .object = OBJECT_##kind, .call_flags.kind = function
/* The second when a flag was given: older servers know only the first. */
#define ACTION_EITHER(kind, function, function_flags)                                                        \
    .object = OBJECT_##kind, .call.kind = function, .call_flags.kind = function_flags

/*
 * Commands about documents, see document.c; each call takes cmd_flags():
 *     DUMPXML(network, virNetworkGetXMLDesc)         the object's document; ends the options with XPATH
 *     DEFINES(network, virNetworkDefineXML),         an object from the document in --file: the first call
 *         .make_flagged.network = virNetworkDefineXMLFlags   when no flag is given, else the second
 *     DEFINES_FLAGGED(pool, virStoragePoolDefineXML) where there is but one call
 *                                                    .done: the object's name and the file, .failed: the file
 *     EDITS(network, virNetworkGetXMLDesc, VIR_NETWORK_XML_INACTIVE, "Network %s XML configuration"),
 *         .make.network = virNetworkDefineXML
 *     AUTOSTARTS(network, virNetworkSetAutostart, "network", "Network")   --disable; two spellings of the
 * noun
 */
union document_call {
    char *(*domain)(virDomainPtr, unsigned int);
    char *(*network)(virNetworkPtr, unsigned int);
    char *(*pool)(virStoragePoolPtr, unsigned int);
    char *(*volume)(virStorageVolPtr, unsigned int);
    char *(*interface)(virInterfacePtr, unsigned int);
    char *(*nodedev)(virNodeDevicePtr, unsigned int);
    char *(*nwfilter)(virNWFilterPtr, unsigned int);
    char *(*binding)(virNWFilterBindingPtr, unsigned int);
    char *(*secret)(virSecretPtr, unsigned int);
};
union make_call {
    virDomainPtr (*domain)(virConnectPtr, const char *);
    virNetworkPtr (*network)(virConnectPtr, const char *);
    virNWFilterPtr (*nwfilter)(virConnectPtr, const char *);
};
union make_flagged_call {
    virDomainPtr (*domain)(virConnectPtr, const char *, unsigned int);
    virNetworkPtr (*network)(virConnectPtr, const char *, unsigned int);
    virStoragePoolPtr (*pool)(virConnectPtr, const char *, unsigned int);
    virInterfacePtr (*interface)(virConnectPtr, const char *, unsigned int);
    virNodeDevicePtr (*nodedev)(virConnectPtr, const char *, unsigned int);
    virNWFilterPtr (*nwfilter)(virConnectPtr, const char *, unsigned int);
    virNWFilterBindingPtr (*binding)(virConnectPtr, const char *, unsigned int);
};
union autostart_call {
    int (*network)(virNetworkPtr, int);
    int (*pool)(virStoragePoolPtr, int);
    int (*nodedev)(virNodeDevicePtr, int);
};
int run_dumpxml(struct cmd *cmd);
int run_define(struct cmd *cmd);
int run_edit(struct cmd *cmd);
int run_autostart(struct cmd *cmd);
/* clang-format off */
#define DUMPXML(kind, function) \
    .run = run_dumpxml, .object = OBJECT_##kind, .document.kind = function, .json = XML_JSON
/* What print_xml() prints. */
#define XML_JSON "{xml: string} | {nodes: [string]}"
#define DEFINES(kind, function) .run = run_define, .object = OBJECT_##kind, .make.kind = function
#define DEFINES_FLAGGED(kind, function) \
    .run = run_define, .object = OBJECT_##kind, .make_flagged.kind = function
#define EDITS(kind, get, flags, what) \
    .run = run_edit, .object = OBJECT_##kind, .document.kind = get, .document_flags = flags, .done = what
#define AUTOSTARTS(kind, function, noun, capital_noun) \
    .run = run_autostart, .object = OBJECT_##kind, .autostart.kind = function, .failed = noun, \
    .done = capital_noun
/* clang-format on */

enum command_is {
    NEEDS_NO_CONNECTION = 1 << 0,
    IS_ALIAS = 1 << 1,     /* .help: the command that it stands for */
    IS_INTERNAL = 1 << 2,  /* not in lists */
    IS_NEW = 1 << 3,       /* libvirt 9.0 didn't have it: not in lists */
    IS_LENIENT = 1 << 4,   /* what it has no option for is ignored: `help` */
    IS_STREAMING = 1 << 5, /* each JSON document is a line of its own, printed at once */
};

struct command {
    const char *name, *help, *description; /* description may be NULL */
    const struct cmd_option *options;
    int (*run)(struct cmd *cmd); /* NULL: an action */
    unsigned is;
    /* Pairs that exclude each other, checked in this order before the function is called:
     * "current live, current config" -> Options --current and --live are mutually exclusive;
     * "remove>file" -> as in .requires, where the order between both matters */
    const char *conflicts;
    /* Pairs: "pivot wait" -> Option --wait is required by option --pivot */
    const char *requires;
    /* Action: sentences with the name of the object for %s */
    enum object_kind object;
    union action_call call;
    union action_flags_call call_flags;
    const char *done, *failed;
    union document_call document;
    unsigned document_flags; /* EDITS: how the document is asked for */
    union make_call make;
    union make_flagged_call make_flagged;
    union autostart_call autostart;
    /*
     * What --json prints, for docs and tests; NULL: {message}. JSON with types for values and ? behind what
     * may be missing: "[{id: number?, name: string, state: string}]", "{name: string, *: number}".
     */
    const char *json;
};

/* ---- reading options -------------------------------------------------------------------------------- */

/*
 * The frame has already refused unknown, repeated and missing options. Accessors for numbers and strings
 * return 1 when the option was given (and set *ret), 0 when not (*ret stays), -1 after they told that the
 * value is bad, in stock's words.
 */
bool cmd_has(struct cmd *cmd, const char *option); /* given at all; for flags: set */
int cmd_string(struct cmd *cmd, const char *option, const char **ret);
/* All strings that were given hold something (or may be empty), but for the domain's: cmd_raw() is enough
 * then. */
int cmd_filled(struct cmd *cmd);
int cmd_int(struct cmd *cmd, const char *option, int *ret);
int cmd_uint(struct cmd *cmd, const char *option, unsigned *ret);
int cmd_i64(struct cmd *cmd, const char *option, long long *ret);
int cmd_u64(struct cmd *cmd, const char *option, unsigned long long *ret);
int cmd_ulong(struct cmd *cmd, const char *option, unsigned long *ret);
/* The same where a negative number is taken and wraps around, as stock does for some. */
int cmd_uint_wrap(struct cmd *cmd, const char *option, unsigned *ret);
int cmd_u64_wrap(struct cmd *cmd, const char *option, unsigned long long *ret);
int cmd_ulong_wrap(struct cmd *cmd, const char *option, unsigned long *ret);
/* "16", "16k", "1GiB"; scale: of a number without unit; max: of the result. */
int cmd_scaled(struct cmd *cmd, const char *option, uint64_t scale, uint64_t max, unsigned long long *ret);
/* The same for a text from elsewhere; -1 when it is malformed. */
int to_scaled(struct cmd *cmd, const char *text, uint64_t scale, uint64_t max, unsigned long long *ret);
/* Milliseconds from an option in seconds (--timeout); refuses 0 and overflow. */
int cmd_timeout(struct cmd *cmd, const char *option, int *ret_ms);
/* Values of a repeated option, NULL-terminated; never NULL. */
const char *const *cmd_strings(struct cmd *cmd, const char *option);
/* The text as given, "" and numbers too; NULL: not given. */
const char *cmd_raw(struct cmd *cmd, const char *option);
/* What the command's row says about one of its options. */
unsigned option_bits(struct cmd *cmd, const char *option);
/* All bits of the flags that were given. */
unsigned cmd_flags(struct cmd *cmd);
unsigned cmd_more_flags(struct cmd *cmd);
/* --config/--live/--current/--persistent as VIR_DOMAIN_AFFECT_*; the options need no bits for that. */
unsigned cmd_affect(struct cmd *cmd);
/* The file that an option names, read (at most 10 MiB): owned by cmd; NULL after telling. */
const char *cmd_file(struct cmd *cmd, const char *option);

/* ---- objects ---------------------------------------------------------------------------------------- */

virConnectPtr cmd_conn(struct cmd *cmd);
/* Events are waited for: let the library's event loop run (in a thread that ends with the process). */
void need_events(struct cmd *cmd);
/* By name, id, UUID as the kind allows; NULL after telling that there is none. */
virDomainPtr cmd_domain(struct cmd *cmd);
virDomainPtr cmd_domain_of(struct cmd *cmd, const char *option);
enum domain_by { BY_ID = 1, BY_UUID = 2, BY_NAME = 4 };
virDomainPtr cmd_domain_by(struct cmd *cmd, unsigned by);
virDomainPtr domain_by_name(struct cmd *cmd, const char *name);
virNetworkPtr cmd_network(struct cmd *cmd);
virStoragePoolPtr cmd_pool(struct cmd *cmd);
virStoragePoolPtr cmd_pool_of(struct cmd *cmd, const char *option);
virStorageVolPtr cmd_volume(struct cmd *cmd);
virInterfacePtr cmd_interface(struct cmd *cmd);
virNodeDevicePtr cmd_nodedev(struct cmd *cmd);
virNWFilterPtr cmd_nwfilter(struct cmd *cmd);
virNWFilterBindingPtr cmd_binding(struct cmd *cmd);
virSecretPtr cmd_secret(struct cmd *cmd);

/* Let the command release something when it ends; returns it. */
void *cmd_own(struct cmd *cmd, void *object, void (*release)(void *object));
char *cmd_own_text(struct cmd *cmd, char *text); /* free() */
char *cmd_printf(struct cmd *cmd, const char *format, ...) PRINTF(2, 3);
virDomainPtr own_domain(struct cmd *cmd, virDomainPtr domain);
virNetworkPtr own_network(struct cmd *cmd, virNetworkPtr network);
virStoragePoolPtr own_pool(struct cmd *cmd, virStoragePoolPtr pool);
virStorageVolPtr own_volume(struct cmd *cmd, virStorageVolPtr volume);
virNodeDevicePtr own_nodedev(struct cmd *cmd, virNodeDevicePtr device);
virInterfacePtr own_interface(struct cmd *cmd, virInterfacePtr interface);
virNWFilterPtr own_nwfilter(struct cmd *cmd, virNWFilterPtr nwfilter);
virNWFilterBindingPtr own_binding(struct cmd *cmd, virNWFilterBindingPtr binding);
virSecretPtr own_secret(struct cmd *cmd, virSecretPtr secret);
virStreamPtr own_stream(struct cmd *cmd, virStreamPtr stream);
/* All objects of a list and the list itself: own_list(cmd, networks, count, network). */
#define own_list(cmd, list, count, noun)                                                                     \
    do {                                                                                                     \
        for (int at_ = 0; at_ < (count); at_++)                                                              \
            own_##noun(cmd, (list)[at_]);                                                                    \
        cmd_own(cmd, list, free);                                                                            \
    } while (0)

/* Typed parameters of the command; the array has room for `count`. */
struct params {
    virTypedParameterPtr all;
    int count, room;
};
struct params *params_new(struct cmd *cmd, int count);
/* One more, of a type of VIR_TYPED_PARAM_*; the text is copied. */
void params_add_int(struct params *params, const char *name, int value);
void params_add_uint(struct params *params, const char *name, unsigned value);
void params_add_u64(struct params *params, const char *name, unsigned long long value);
void params_add_bool(struct params *params, const char *name, bool value);
void params_add_string(struct params *params, const char *name, const char *value);

/* ---- saying ----------------------------------------------------------------------------------------- */

/* "error: TEXT"; returns -1. */
int say_error(struct cmd *cmd, const char *format, ...) PRINTF(2, 3);
/* There is no list: in stock's words, which come from libvirt 0.9's way of listing, that counts first. */
int list_failed(struct cmd *cmd, const char *failed, int (*count)(virConnectPtr), const char *not_counted);
/* Forget the library's last error: what follows isn't about it. */
void forget_error(void);
/* Keep the library's last error for the end of the command: calls that follow (cleanup, another thread) don't
 * change it. */
void keep_error(struct cmd *cmd);
/* A message that is told where the library's is; returns -1. */
int keep_text(struct cmd *cmd, const char *format, ...) PRINTF(2, 3);
/* The code of the library's last error, VIR_ERR_OK when there is none. */
int last_error_code(void);
/* A sentence about success; -q hides it; in JSON: "message". Ends with the newline that stock prints. */
void say(struct cmd *cmd, const char *format, ...) PRINTF(2, 3);
/* Text that stock prints even with -q and that JSON expresses otherwise: nothing in JSON. */
void print(struct cmd *cmd, const char *format, ...) PRINTF(2, 3);
bool is_quiet(struct cmd *cmd);
bool is_json(struct cmd *cmd);

/*
 * Fields: one description for both forms. In JSON: members of the object at hand (the outermost one opens by
 * itself). In text: one line, as the layout says. key: JSON name (lower case, '_'); label: the text's.
 */
enum layout {
    LAYOUT_INFO,  /* "Label:          value": label padded to 15, a space (the default) */
    LAYOUT_WIDE,  /* the same with 20 */
    LAYOUT_COLON, /* "label          : value" */
    LAYOUT_BARE,  /* "label value" */
    LAYOUT_VALUE, /* the value alone */
    LAYOUT_NONE,  /* JSON only; text is the command's own with print() */
};
void layout(struct cmd *cmd, enum layout layout);
void field(struct cmd *cmd, const char *key, const char *label, const char *value); /* NULL: null, "" */
void field_number(struct cmd *cmd, const char *key, const char *label, long long value, const char *unit);
void field_u64(struct cmd *cmd, const char *key, const char *label, unsigned long long value,
               const char *unit);
/* yes_no: "yes/no", "enable/disable" ... */
void field_bool(struct cmd *cmd, const char *key, const char *label, bool value, const char *yes_no);
/* Text that differs from the JSON value: "12.3s", "3.5 GiB". json: a JSON value as it stands. */
void field_as(struct cmd *cmd, const char *key, const char *label, const char *json, const char *text);
/* XML and other documents: the text with a newline as stock prints it; JSON {key: text}. */
void field_document(struct cmd *cmd, const char *key, const char *text);
/* The same without a newline of its own. */
void field_verbatim(struct cmd *cmd, const char *key, const char *text);
/* One typed parameter, with the type that it has; label NULL: its own name. */
void field_param(struct cmd *cmd, const char *label, const virTypedParameter *param);
/* The value as text, owned by cmd. */
const char *param_text(struct cmd *cmd, const virTypedParameter *param);
/* Bytes: "1.50 GiB", or the number alone when `plain`; in JSON always the number. */
void field_size(struct cmd *cmd, const char *key, const char *label, unsigned long long bytes, bool plain);
const char *size_text(struct cmd *cmd, unsigned long long bytes);
/* "a,b,c" taken apart; ",," is a comma. The caller frees (strv_free). */
char **split_list(const char *text);
/* A text as JSON writes it, quotes and all. */
void json_quote(struct buf *out, const char *text);
/* A document of somebody else: one member of the object that it is (NULL: all of it), laid out for people if
 * `pretty`. Owned by cmd; NULL: it isn't there. */
char *json_view(struct cmd *cmd, const char *document, const char *member, bool pretty);
/* Nesting, JSON only; key NULL inside an array. An array that opens first makes the document an array. */
void open_object(struct cmd *cmd, const char *key);
void open_array(struct cmd *cmd, const char *key);
void close_one(struct cmd *cmd);
/* For IS_STREAMING: end the document and print it. */
void end_document(struct cmd *cmd);

/*
 * Tables: columns "key:Title" in text order; the type stands behind the key when it isn't text:
 * "id#:Id" (number), "active?:Active" (first letter y/e/n/d: boolean). A cell NULL or "-" in a # column is
 * null.
 *
 *     struct table *t = table_new(cmd, "id#:Id", "name:Name", "state:State");
 *     table_row(t, "1", "test", "running");
 *     table_print(t, NULL);
 *
 * key: name inside an object, or NULL where the table is the whole document (an array). Titles "" or '!'
 * before a key ("!uuid:") make a column that only JSON has.
 */
struct table;
struct table *table_new_(struct cmd *cmd, const char *column, ...) __attribute__((__sentinel__));
#define table_new(cmd, ...) table_new_(cmd, __VA_ARGS__, (const char *)NULL)
/* As many cells as columns; NULL is an empty cell. Copies. */
void table_row_(struct table *table, size_t count, const char *const *cells);
#define table_row(table, ...)                                                                                \
    table_row_(table, ARRAY_SIZE(((const char *const[]){__VA_ARGS__})), (const char *const[]){__VA_ARGS__})
void table_print(struct table *table, const char *key);

/* Names under their parents (index, -1: a root). JSON: [{name, parent?}]. */
void print_tree(struct cmd *cmd, const char *const *names, const int *parents, size_t count);
/* Indexes from the parents' names (NULL: none); who isn't in the list counts as none. */
void find_parents(const char *const *names, const char *const *parent_names, size_t count, int *ret_parents);

/* ---- XML, waiting, editing -------------------------------------------------------------------------- */

/* Values that an XPath finds in a document; libxml2 is opened when this is first called. */
char *xml_value(struct cmd *cmd, const char *document, const char *xpath);   /* owned by cmd; NULL: none */
char **xml_values(struct cmd *cmd, const char *document, const char *xpath); /* owned by cmd; never NULL */
/* The same for elements, each as the text of a document of its own. */
char **xml_nodes(struct cmd *cmd, const char *document, const char *xpath);
/* An element with changes: `path` ("target/requested", NULL: itself) is made where it isn't there; an
 * attribute, or the content, gets the value; value NULL removes the attribute or the element. `before`: the
 * sibling that a new element goes before, on a line of its own; NULL: it is the last. Owned by cmd.
 */
struct xml_change {
    const char *path, *attribute, *value, *before;
};
char *xml_changed(struct cmd *cmd, const char *element, const struct xml_change *changes, size_t count);
/*
 * The document that a call of the library gave (owned by cmd from here; NULL: the call failed, -1): whole, or
 * what the options --xpath and --wrap pick. In JSON: {xml: string}, with --xpath alone {nodes: [string]}.
 */
int print_xml(struct cmd *cmd, char *document);

/* Writing XML: " name='value'", and "<name>text</name>" with a newline. */
void xml_attribute(struct buf *xml, const char *name, const char *value);
void xml_text(struct buf *xml, const char *indent, const char *name, const char *text);

/*
 * `edit`: text goes through the user's editor until `store` takes it (0) or the user gives up. store tells
 * nothing; the library's error is shown before asking whether to try again. Unchanged: "unchanged" is said.
 */
struct edit {
    const char *document;
    const char *what;             /* "Domain 'test' XML configuration": ... not changed, ... edited */
    const char *edited;           /* where stock says it shorter afterwards: "Snapshot a"; else NULL */
    const char *unchanged, *done; /* the whole sentences where they are others; else NULL */
    int (*store)(struct cmd *cmd, void *data, const char *document, unsigned flags);
    void *data;
    unsigned validate; /* flag that 'i' takes away; 0: there is none */
    unsigned flags;
    bool always; /* store it even when the user changed nothing */
};
int edit(struct cmd *cmd, const struct edit *edit);
