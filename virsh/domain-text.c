/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: description, title and metadata; the definition of another hypervisor; where displays and consoles
 * are. */
#include "virsh/domain.h"

/* One of a domain's texts, and where it is kept. */
struct text {
    virDomainPtr domain;
    int type;
    unsigned flags;
    const char *key, *uri;
};

/* "" when there is none, NULL when it can't be known. */
static const char *text_get(struct cmd *cmd, const struct text *text)
{
    char *value = virDomainGetMetadata(text->domain, text->type, text->uri, text->flags);
    if (!value && last_error_code() != VIR_ERR_NO_DOMAIN_METADATA)
        return NULL;
    forget_error();
    return value ? cmd_own_text(cmd, value) : "";
}

/* Lines of an editor end with a newline that isn't meant. */
static int text_store(struct cmd *cmd, void *data, const char *value, unsigned flags)
{
    const struct text *text = data;
    size_t length = strlen(value);
    while (length && value[length - 1] == '\n')
        length--;
    char *trimmed = cmd_printf(cmd, "%.*s", (int)length, value);
    return virDomainSetMetadata(text->domain, text->type, length ? trimmed : NULL, text->key, text->uri,
                                text->flags);
}

/* ---- desc ------------------------------------------------------------------------------------------- */

static int desc_set(struct cmd *cmd, struct text *text, const char *value)
{
    bool title = text->type == VIR_DOMAIN_METADATA_TITLE;
    if (text_store(cmd, text, value, 0) < 0)
        return say_error(cmd,
                         title ? "Failed to set new domain title" : "Failed to set new domain description");
    say(cmd, title ? "Domain title updated successfully" : "Domain description updated successfully");
    return 0;
}

static int run_desc(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    bool title = cmd_has(cmd, "title");
    if (!domain)
        return -1;
    struct text text = {domain, title ? VIR_DOMAIN_METADATA_TITLE : VIR_DOMAIN_METADATA_DESCRIPTION,
                        cmd_affect(cmd), NULL, NULL};
    auto_free char *words = strv_join((char *const *)cmd_strings(cmd, "new-desc"), " ");
    bool given = cmd_has(cmd, "new-desc");
    if (given && !cmd_has(cmd, "edit"))
        return desc_set(cmd, &text, words);
    const char *now = text_get(cmd, &text);
    if (!now)
        return -1;
    if (cmd_has(cmd, "edit")) {
        const struct edit work = {
            .document = given ? words : now,
            .what = title ? "Domain title" : "Domain description",
            .store = text_store,
            .data = &text,
            .unchanged = title ? "Domain title not changed\n" : "Domain description not changed\n",
            .done = title ? "Domain title updated successfully" : "Domain description updated successfully",
        };
        return edit(cmd, &work);
    }
    layout(cmd, LAYOUT_NONE);
    field(cmd, title ? "title" : "description", NULL, *now ? now : NULL);
    if (*now)
        print(cmd, "%s", now);
    else
        print(cmd, title ? "No title for domain: %s" : "No description for domain: %s",
              virDomainGetName(domain));
    return 0;
}

const struct command cmd_desc = {
    "desc",
    "show or set domain's description or title",
    "Allows setting or modifying the description or title of a domain.",
    OPTIONS(DOMAIN(0), FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "modify/get running state"),
            FLAG("config", VIR_DOMAIN_AFFECT_CONFIG, "modify/get persistent configuration"),
            FLAG("current", VIR_DOMAIN_AFFECT_CURRENT, "modify/get current state configuration"),
            FLAG("title", 0, "modify/get the title instead of description"),
            FLAG("edit", 0, "open an editor to modify the description"), STRINGS("new-desc", "message")),
    .run = run_desc,
    .conflicts = AFFECT_CONFLICTS,
    .json = "{description: string?, title: string?, message: string?}",
};

static int run_metadata(struct cmd *cmd)
{
    const char *set = NULL;
    virDomainPtr domain = cmd_domain(cmd);
    struct text text = {domain, VIR_DOMAIN_METADATA_ELEMENT, cmd_affect(cmd), NULL, NULL};
    if (!domain || cmd_string(cmd, "uri", &text.uri) < 0 || cmd_string(cmd, "key", &text.key) < 0 ||
        cmd_string(cmd, "set", &set) < 0)
        return -1;
    bool editing = cmd_has(cmd, "edit");
    if ((set || editing) && !text.key)
        return say_error(cmd, "namespace key is required when modifying metadata");
    if (set || cmd_has(cmd, "remove")) {
        if (virDomainSetMetadata(domain, text.type, set, text.key, text.uri, text.flags) < 0)
            return -1;
        say(cmd, set ? "Metadata modified\n" : "Metadata removed\n");
        return 0;
    }
    if (editing) {
        const char *now = text_get(cmd, &text);
        const struct edit work = {
            .document = now && *now ? now
                        : now       ? "\n"
                                    : NULL,
            .what = "Metadata",
            .store = text_store,
            .data = &text,
            .unchanged = "Metadata not changed",
            .done = "Metadata modified",
        };
        return edit(cmd, &work);
    }
    char *now = cmd_own_text(cmd, virDomainGetMetadata(domain, text.type, text.uri, text.flags));
    if (!now)
        return -1;
    field_document(cmd, "metadata", now);
    return 0;
}

const struct command cmd_metadata = {
    "metadata",
    "show or set domain's custom XML metadata",
    "Shows or modifies the XML metadata of a domain.",
    OPTIONS(DOMAIN(0), ARG("uri", "URI of the namespace"),
            FLAG("live", VIR_DOMAIN_AFFECT_LIVE, "modify/get running state"),
            FLAG("config", VIR_DOMAIN_AFFECT_CONFIG, "modify/get persistent configuration"),
            FLAG("current", VIR_DOMAIN_AFFECT_CURRENT, "modify/get current state configuration"),
            FLAG("edit", 0, "use an editor to change the metadata"),
            STRING("key", "key to be used as a namespace identifier"), STRING("set", "new metadata to set"),
            FLAG("remove", 0, "remove the metadata corresponding to an uri")),
    .run = run_metadata,
    .conflicts = "current live, current config, edit set, remove set, remove edit",
    .json = "{metadata: string?, message: string?}",
};

/* ---- native configuration --------------------------------------------------------------------------- */

static int run_domxml_from_native(struct cmd *cmd)
{
    const char *format = NULL, *config;
    if (cmd_string(cmd, "format", &format) < 0 || !(config = cmd_file(cmd, "config")))
        return -1;
    char *xml = cmd_own_text(cmd, virConnectDomainXMLFromNative(cmd_conn(cmd), format, config, 0));
    if (!xml)
        return -1;
    field_document(cmd, "xml", xml);
    return 0;
}

const struct command cmd_domxml_from_native = {
    "domxml-from-native",
    "Convert native config to domain XML",
    "Convert native guest configuration format to domain XML format.",
    OPTIONS(ARG("format", "source config data format"),
            ARG("config", "config data file to import from", 0, complete_file)),
    .run = run_domxml_from_native,
    .json = "{xml: string}",
};

static int run_domxml_to_native(struct cmd *cmd)
{
    const char *format = NULL, *name = NULL, *xml = NULL;
    if (cmd_string(cmd, "format", &format) < 0 || cmd_string(cmd, "domain", &name) < 0)
        return -1;
    if (!name && !cmd_has(cmd, "xml"))
        return say_error(cmd, "need either domain or domain XML");
    if (cmd_has(cmd, "xml")) {
        xml = cmd_file(cmd, "xml");
    } else {
        virDomainPtr domain = cmd_domain(cmd);
        xml = domain ? domain_xml(cmd, domain, VIR_DOMAIN_XML_SECURE) : NULL;
    }
    char *config = xml ? cmd_own_text(cmd, virConnectDomainXMLToNative(cmd_conn(cmd), format, xml, 0)) : NULL;
    if (!config)
        return -1;
    field_document(cmd, "config", config);
    return 0;
}

const struct command cmd_domxml_to_native = {
    "domxml-to-native",
    "Convert domain XML to native config",
    "Convert domain XML config to a native guest configuration format.",
    OPTIONS(ARG("format", "target config data type format"),
            STRING_NAMED("domain", "domain name, id or uuid"),
            STRING("xml", "xml data file to export from", 0, complete_file)),
    .run = run_domxml_to_native,
    .conflicts = "domain xml",
    .json = "{config: string}",
};

/* ---- displays --------------------------------------------------------------------------------------- */

/* One value of the <graphics> of this type; NULL: not there or empty. */
static const char *graphics_value(struct cmd *cmd, const char *xml, const char *type, const char *path)
{
    const char *value =
        xml_value(cmd, xml, cmd_printf(cmd, "string(/domain/devices/graphics[@type='%s']/%s)", type, path));
    return str_empty(value) ? NULL : value;
}

static int graphics_port(struct cmd *cmd, const char *xml, const char *type, const char *attribute)
{
    const char *text = graphics_value(cmd, xml, type, attribute);
    int port = 0;
    return text && str_to_i32(text, &port) == 0 && port > 0 ? port : 0;
}

/* Where it listens, as a client reaches it: "everywhere" is here. */
static const char *graphics_host(struct cmd *cmd, const char *xml, const char *type)
{
    const char *host = graphics_value(cmd, xml, type, "@listen");
    if (!host)
        host = graphics_value(cmd, xml, type, "listen[@type='address']/@address");
    if (!host || str_eq(host, "0.0.0.0"))
        return "localhost";
    if (str_eq(host, "::"))
        return "localhost";
    return strchr(host, ':') ? cmd_printf(cmd, "[%s]", host) : host;
}

/* The URI of one display; NULL: the domain has none of this type. */
static char *display_uri(struct cmd *cmd, const char *xml, const char *type)
{
    bool vnc = str_eq(type, "vnc"), spice = str_eq(type, "spice");
    auto_buf struct buf uri = {0};
    const char *socket = graphics_value(cmd, xml, type, "@socket");
    if (!socket)
        socket = graphics_value(cmd, xml, type, "listen[@type='socket']/@socket");
    const char *password =
        cmd_has(cmd, "include-password") ? graphics_value(cmd, xml, type, "@passwd") : NULL;
    if (str_eq(type, "dbus")) {
        const char *address = graphics_value(cmd, xml, type, "@address");
        const char *path = address ? str_after(address, "unix:path=") : NULL;
        if (address && !path)
            say_error(cmd, "'%s' D-Bus address is not handled", address);
        return path ? cmd_printf(cmd, "dbus+unix://%s", path) : NULL;
    }
    int port = graphics_port(cmd, xml, type, "@port"),
        tls = spice ? graphics_port(cmd, xml, type, "@tlsPort") : 0;
    if (!port && !tls && !socket)
        return NULL;
    buf_printf(&uri, "%s%s://", type, port || tls ? "" : "+unix");
    if (password && vnc)
        buf_printf(&uri, ":%s@", password);
    buf_add_string(&uri, port || tls ? graphics_host(cmd, xml, type) : socket);
    if (port)
        buf_printf(&uri, ":%d", vnc ? port - 5900 : port);
    if (tls || (password && spice)) {
        buf_add_string(&uri, "?");
        if (tls)
            buf_printf(&uri, "tls-port=%d%s", tls, password ? "&" : "");
        if (password)
            buf_printf(&uri, "password=%s", password);
    }
    return cmd_own_text(cmd, buf_steal(&uri));
}

static int run_domdisplay(struct cmd *cmd)
{
    static const char *const types[] = {"vnc", "spice", "rdp", "dbus"};
    const char *type = NULL;
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    if (virDomainIsActive(domain) != 1)
        return say_error(cmd, "Domain is not running");
    if (cmd_string(cmd, "type", &type) < 0)
        return -1;
    const char *xml = domain_xml(cmd, domain, cmd_has(cmd, "include-password") ? VIR_DOMAIN_XML_SECURE : 0);
    if (!xml)
        return -1;
    bool found = false;
    layout(cmd, LAYOUT_NONE);
    open_array(cmd, "uris");
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        const char *uri = type && !str_eq(type, types[i]) ? NULL : display_uri(cmd, xml, types[i]);
        if (!uri)
            continue;
        field(cmd, NULL, NULL, uri);
        print(cmd, cmd_has(cmd, "all") ? "%s\n" : "%s", uri);
        found = true;
        if (!cmd_has(cmd, "all"))
            break;
    }
    close_one(cmd);
    if (found)
        return 0;
    return type ? say_error(cmd, "No graphical display with type '%s' found", type)
                : say_error(cmd, "No graphical display found");
}

const struct command cmd_domdisplay = {
    "domdisplay",
    "domain display connection URI",
    "Output the IP address and port number for the graphical display.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            FLAG("include-password", 0, "includes the password into the connection URI if available"),
            STRING("type", "select particular graphical display (e.g. \"vnc\", \"spice\", \"rdp\", \"dbus\")",
                   0, NULL, "vnc,spice,rdp,dbus"),
            FLAG("all", 0, "show all possible graphical displays")),
    .run = run_domdisplay,
    .conflicts = "all type",
    .json = "{uris: [string]}",
};

static int run_domdisplay_reload(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    unsigned type = VIR_DOMAIN_GRAPHICS_RELOAD_TYPE_ANY;
    if (!domain || cmd_uint(cmd, "type", &type) < 0)
        return -1;
    if (NEWER(virDomainGraphicsReload)(domain, type, 0) < 0)
        return say_error(cmd, "Failed to reload graphics of domain '%s'", virDomainGetName(domain));
    say(cmd, "Graphics of domain '%s' reloaded\n", virDomainGetName(domain));
    return 0;
}

const struct command cmd_domdisplay_reload = {
    "domdisplay-reload",
    "reload certificates of a display",
    "Let the display read its TLS certificates again.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE),
            NUMBER_NAMED("type", "type of the display, a number of the API")),
    .run = run_domdisplay_reload,
    .is = IS_NEW,
};

static int run_vncdisplay(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    if (virDomainIsActive(domain) != 1)
        return say_error(cmd, "Domain is not running");
    const char *xml = domain_xml(cmd, domain, 0);
    int port = xml ? graphics_port(cmd, xml, "vnc", "@port") : 0;
    if (!port)
        return say_error(cmd, "Failed to get VNC port. Is this domain using VNC?");
    const char *host = graphics_value(cmd, xml, "vnc", "@listen");
    if (!host || str_eq(host, "0.0.0.0"))
        host = "";
    layout(cmd, LAYOUT_NONE);
    field(cmd, "address", NULL, host);
    field_number(cmd, "display", NULL, port - 5900, NULL);
    print(cmd, "%s:%d\n", host, port - 5900);
    return 0;
}

const struct command cmd_vncdisplay = {
    "vncdisplay",
    "vnc display",
    "Output the IP address and port number for the VNC display.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE)),
    .run = run_vncdisplay,
    .json = "{address: string, display: number}",
};

static int run_ttyconsole(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    const char *xml = domain ? domain_xml(cmd, domain, 0) : NULL;
    if (!xml)
        return -1;
    const char *tty = xml_value(cmd, xml, "string(/domain/devices/console/@tty)");
    if (str_empty(tty))
        return -1;
    layout(cmd, LAYOUT_VALUE);
    field(cmd, "tty", NULL, tty);
    return 0;
}

const struct command cmd_ttyconsole = {
    "ttyconsole",
    "tty console",
    "Output the device for the TTY console.",
    OPTIONS(DOMAIN(VIR_CONNECT_LIST_DOMAINS_ACTIVE)),
    .run = run_ttyconsole,
    .json = "{tty: string}",
};

/* ---- edit ------------------------------------------------------------------------------------------- */

static int define(struct cmd *cmd, void *data, const char *document, unsigned flags)
{
    return own_domain(cmd, virDomainDefineXMLFlags(cmd_conn(cmd), document, flags)) ? 0 : -1;
}

static int run_edit_domain(struct cmd *cmd)
{
    virDomainPtr domain = cmd_domain(cmd);
    if (!domain)
        return -1;
    const struct edit work = {
        .document = domain_xml(cmd, domain, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE),
        .what = cmd_printf(cmd, "Domain '%s' XML configuration", virDomainGetName(domain)),
        .store = define,
        .validate = cmd_has(cmd, "skip-validate") ? 0 : VIR_DOMAIN_DEFINE_VALIDATE,
    };
    return edit(cmd, &work);
}

const struct command cmd_edit = {
    "edit",
    "edit XML configuration for a domain",
    "Edit the XML configuration for a domain.",
    OPTIONS(DOMAIN(0), FLAG("skip-validate", 0, "skip validation of the XML against the schema")),
    .run = run_edit_domain,
};
