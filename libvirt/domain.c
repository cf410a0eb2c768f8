/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls about machines whose parameters or results don't follow the rules of libvirt/gen. */
#define ERR_FROM ERR_FROM_DOMAIN
#include "libvirt/api.h"

#include <errno.h>
#include <sys/stat.h>

API virDomainPtr virDomainCreateLinux(virConnectPtr conn, const char *xmlDesc, unsigned int flags)
{
    return virDomainCreateXML(conn, xmlDesc, flags);
}

/* One question instead of two: the answer of the call with flags brings the new id along. */
static int start(const char *function, virDomainPtr domain, const struct procedure *procedure, unsigned flags,
                 const int *fds, unsigned fd_count)
{
    struct remote_domain_create_with_flags_in in = {.flags = flags};
    struct remote_domain_create_with_flags_out out;
    struct call call;
    int result = -1;

    if (!call_begin(&call, function, domain, OBJECT_DOMAIN, procedure))
        return -1;
    in.dom = domain->wire;
    call.fds = fds;
    call.fd_count = fd_count;
    if (call_run(&call, &in, &out) == 0) {
        domain->wire.id = out.dom.id;
        result = 0;
    }
    call_end(&call);
    return result;
}

API int virDomainCreate(virDomainPtr domain)
{
    return start(__func__, domain, PROCEDURE(remote, DOMAIN_CREATE_WITH_FLAGS), 0, NULL, 0);
}

API int virDomainCreateWithFlags(virDomainPtr domain, unsigned int flags)
{
    return start(__func__, domain, PROCEDURE(remote, DOMAIN_CREATE_WITH_FLAGS), flags, NULL, 0);
}

/* Its struct is that of the call without descriptors. */
API int virDomainCreateWithFiles(virDomainPtr domain, unsigned int nfiles, int *files, unsigned int flags)
{
    return start(__func__, domain, PROCEDURE(remote, DOMAIN_CREATE_WITH_FILES), flags, files, nfiles);
}

API virDomainPtr virDomainCreateXMLWithFiles(virConnectPtr conn, const char *xmlDesc, unsigned int nfiles,
                                             int *files, unsigned int flags)
{
    struct remote_domain_create_xml_with_files_in in = {.xml_desc = (char *)xmlDesc, .flags = flags};
    struct remote_domain_create_xml_with_files_out out;
    virDomainPtr domain = NULL;
    struct call call;

    CALL(call, conn, KIND_CONNECT, DOMAIN_CREATE_XML_WITH_FILES)
    {
        call.fds = files;
        call.fd_count = nfiles;
        if (call_argument(&call, xmlDesc, "xmlDesc") && call_run(&call, &in, &out) == 0)
            domain = object_new(conn, OBJECT_DOMAIN, &out.dom);
    }
    return domain;
}

/* The machine is gone: so is its id. */
API int virDomainDestroy(virDomainPtr domain)
{
    struct remote_domain_destroy_out out;
    struct remote_domain_destroy_in in;
    struct call call;
    int result = -1;

    CALL(call, domain, OBJECT_DOMAIN, DOMAIN_DESTROY)
    {
        in.dom = domain->wire;
        result = call_run(&call, &in, &out);
        if (result == 0)
            domain->wire.id = -1;
    }
    return result;
}

API int virDomainDestroyFlags(virDomainPtr domain, unsigned int flags)
{
    struct remote_domain_destroy_flags_in in = {.flags = flags};
    struct remote_domain_destroy_flags_out out;
    struct call call;
    int result = -1;

    CALL(call, domain, OBJECT_DOMAIN, DOMAIN_DESTROY_FLAGS)
    {
        in.dom = domain->wire;
        result = call_run(&call, &in, &out);
        if (result == 0)
            domain->wire.id = -1;
    }
    return result;
}

API int virDomainOpenGraphics(virDomainPtr dom, unsigned int idx, int fd, unsigned int flags)
{
    struct remote_domain_open_graphics_in in = {.idx = idx, .flags = flags};
    struct remote_domain_open_graphics_out out;
    struct call call;
    int result = -1;

    CALL(call, dom, OBJECT_DOMAIN, DOMAIN_OPEN_GRAPHICS)
    {
        struct stat stat;

        in.dom = dom->wire;
        call.fds = &fd;
        call.fd_count = 1;
        if (!call_not_negative(&call, fd, "fd"))
            break;
        if (fstat(fd, &stat) < 0)
            err_system(&call.err, -errno, "Unable to access file descriptor %d", fd);
        else if (!S_ISSOCK(stat.st_mode))
            call_refuse(&call, "fd", "fd %d must be a socket", fd);
        else
            result = call_run(&call, &in, &out);
    }
    return result;
}

API int virDomainOpenGraphicsFD(virDomainPtr dom, unsigned int idx, unsigned int flags)
{
    struct remote_domain_open_graphics_fd_in in = {.idx = idx, .flags = flags};
    struct remote_domain_open_graphics_fd_out out;
    struct call call;
    int fd = -1;

    CALL(call, dom, OBJECT_DOMAIN, DOMAIN_OPEN_GRAPHICS_FD)
    {
        in.dom = dom->wire;
        if (call_run(&call, &in, &out) < 0)
            break;
        if (call.reply_fd_count != 1) {
            err_set_from(&call.err, ERR_FROM_REMOTE, ERR_INTERNAL_ERROR, "no file descriptor received");
        } else {
            fd = call.reply_fds[0];
            call.reply_fd_count = 0;
        }
    }
    return fd;
}

/* A title or description stands alone; an element has a name space. */
static bool metadata_named(struct call *call, int type, const char *metadata, const char *key,
                           const char *uri)
{
    if (type == VIR_DOMAIN_METADATA_ELEMENT)
        return call_argument(call, uri, "uri") && (!metadata || call_argument(call, key, "key"));
    if (type != VIR_DOMAIN_METADATA_DESCRIPTION && type != VIR_DOMAIN_METADATA_TITLE)
        return true; /* the driver says so */
    if (type == VIR_DOMAIN_METADATA_TITLE && metadata && strchr(metadata, '\n'))
        return call_refuse(call, "metadata", "metadata title can't contain newlines");
    if (uri || key)
        return call_refuse(call, uri ? "uri" : "key", "%s in %s must be NULL", uri ? "uri" : "key",
                           call->function);
    return true;
}

API int virDomainSetMetadata(virDomainPtr domain, int type, const char *metadata, const char *key,
                             const char *uri, unsigned int flags)
{
    struct remote_domain_set_metadata_in in = {
        .type = type,
        .metadata = (char *)metadata,
        .key = (char *)key,
        .uri = (char *)uri,
        .flags = flags,
    };
    struct remote_domain_set_metadata_out out;
    struct call call;
    int result = -1;

    CALL(call, domain, OBJECT_DOMAIN, DOMAIN_SET_METADATA)
    {
        in.dom = domain->wire;
        if (call_writable(&call) && metadata_named(&call, type, metadata, key, uri))
            result = call_run(&call, &in, &out);
    }
    return result;
}

API char *virDomainGetMetadata(virDomainPtr domain, int type, const char *uri, unsigned int flags)
{
    struct remote_domain_get_metadata_in in = {.type = type, .uri = (char *)uri, .flags = flags};
    struct remote_domain_get_metadata_out out;
    struct call call;
    char *text = NULL;

    CALL(call, domain, OBJECT_DOMAIN, DOMAIN_GET_METADATA)
    {
        in.dom = domain->wire;
        if (call_exclusive(&call, flags, VIR_DOMAIN_AFFECT_LIVE, "VIR_DOMAIN_AFFECT_LIVE",
                           VIR_DOMAIN_AFFECT_CONFIG, "VIR_DOMAIN_AFFECT_CONFIG") &&
            metadata_named(&call, type, NULL, NULL, uri) && call_run(&call, &in, &out) == 0)
            text = call_text(out.metadata);
    }
    return text;
}

API int virDomainFDAssociate(virDomainPtr domain, const char *name, unsigned int nfds, int *fds,
                             unsigned int flags)
{
    struct remote_domain_fd_associate_in in = {.name = (char *)name, .flags = flags};
    struct remote_domain_fd_associate_out out;
    struct call call;
    int result = -1;

    CALL(call, domain, OBJECT_DOMAIN, DOMAIN_FD_ASSOCIATE)
    {
        in.dom = domain->wire;
        call.fds = fds;
        call.fd_count = nfds;
        if (call_not_zero(&call, nfds, "nfds") && call_argument(&call, name, "name") &&
            call_argument(&call, fds, "fds"))
            result = call_run(&call, &in, &out);
    }
    return result;
}

API char *virDomainGetSchedulerType(virDomainPtr domain, int *nparams)
{
    struct remote_domain_get_scheduler_type_out out;
    struct remote_domain_get_scheduler_type_in in;
    struct call call;
    char *type = NULL;

    CALL(call, domain, OBJECT_DOMAIN, DOMAIN_GET_SCHEDULER_TYPE)
    {
        in.dom = domain->wire;
        if (call_run(&call, &in, &out) < 0)
            break;
        if (nparams)
            *nparams = out.nparams;
        type = call_text(out.type);
    }
    return type;
}

API int virDomainGetJobStats(virDomainPtr domain, int *type, virTypedParameterPtr *params, int *nparams,
                             unsigned int flags)
{
    struct remote_domain_get_job_stats_in in = {.flags = flags};
    struct remote_domain_get_job_stats_out out;
    struct call call;
    int result = -1;

    CALL(call, domain, OBJECT_DOMAIN, DOMAIN_GET_JOB_STATS)
    {
        in.dom = domain->wire;
        if (!call_argument(&call, type, "type") || !call_argument(&call, params, "params") ||
            !call_argument(&call, nparams, "nparams") || call_run(&call, &in, &out) < 0)
            break;
        *type = out.type;
        result = params_alloc_from_wire(&call, out.params.n, out.params.v, params, nparams);
    }
    return result;
}

API int virDomainGetDiskErrors(virDomainPtr dom, virDomainDiskErrorPtr errors, unsigned int maxerrors,
                               unsigned int flags)
{
    struct remote_domain_get_disk_errors_in in = {.maxerrors = maxerrors, .flags = flags};
    struct remote_domain_get_disk_errors_out out;
    struct call call;
    int result = -1;

    CALL(call, dom, OBJECT_DOMAIN, DOMAIN_GET_DISK_ERRORS)
    {
        in.dom = dom->wire;
        if ((maxerrors && !call_argument(&call, errors, "errors")) || call_run(&call, &in, &out) < 0)
            break;
        for (uint32_t i = 0; i < out.errors.n && i < maxerrors; i++) {
            errors[i].disk = call_text(out.errors.v[i].disk);
            errors[i].error = out.errors.v[i].error;
        }
        result = out.nerrors;
    }
    return result;
}

/* Security labels: one char of the label is one element of an array on the wire. */
static void take_label(virSecurityLabelPtr to, uint32_t n, const char *label, int enforcing)
{
    if (n >= sizeof(to->label))
        n = sizeof(to->label) - 1;
    memset(to, 0, sizeof(*to));
    if (n)
        memcpy(to->label, label, n);
    to->enforcing = enforcing;
}

API int virDomainGetSecurityLabel(virDomainPtr domain, virSecurityLabelPtr seclabel)
{
    struct remote_domain_get_security_label_out out;
    struct remote_domain_get_security_label_in in;
    struct call call;
    int result = -1;

    CALL(call, domain, OBJECT_DOMAIN, DOMAIN_GET_SECURITY_LABEL)
    {
        in.dom = domain->wire;
        if (!call_argument(&call, seclabel, "seclabel") || call_run(&call, &in, &out) < 0)
            break;
        take_label(seclabel, out.label.n, out.label.v, out.enforcing);
        result = 0;
    }
    return result;
}

API int virDomainGetSecurityLabelList(virDomainPtr domain, virSecurityLabelPtr *seclabels)
{
    struct remote_domain_get_security_label_list_out out;
    struct remote_domain_get_security_label_list_in in;
    struct call call;
    int result = -1;

    CALL(call, domain, OBJECT_DOMAIN, DOMAIN_GET_SECURITY_LABEL_LIST)
    {
        in.dom = domain->wire;
        if (!call_argument(&call, seclabels, "seclabels") || call_run(&call, &in, &out) < 0)
            break;
        *seclabels = out.labels.n ? NEW_ARRAY(virSecurityLabel, out.labels.n) : NULL;
        for (uint32_t i = 0; i < out.labels.n; i++)
            take_label(&(*seclabels)[i], out.labels.v[i].label.n, out.labels.v[i].label.v,
                       out.labels.v[i].enforcing);
        result = out.ret;
    }
    return result;
}

API unsigned char *virSecretGetValue(virSecretPtr secret, size_t *value_size, unsigned int flags)
{
    struct remote_secret_get_value_in in = {.flags = flags};
    struct remote_secret_get_value_out out;
    unsigned char *value = NULL;
    struct call call;

    CALL(call, secret, OBJECT_SECRET, SECRET_GET_VALUE)
    {
        in.secret = secret->wire;
        if (!call_argument(&call, value_size, "value_size") || call_run(&call, &in, &out) < 0)
            break;
        value = mem_dup(out.value.v ? out.value.v : (const uint8_t *)"", out.value.n ? out.value.n : 1);
        *value_size = out.value.n;
        if (out.value.n)
            mem_wipe(out.value.v, out.value.n);
    }
    return value;
}

API int virNetworkPortGetParameters(virNetworkPortPtr port, virTypedParameterPtr *params, int *nparams,
                                    unsigned int flags)
{
    struct remote_network_port_get_parameters_in in = {.flags = flags};
    struct remote_network_port_get_parameters_out out;
    struct call call;
    int result = -1;

    CALL(call, port, OBJECT_NETWORK_PORT, NETWORK_PORT_GET_PARAMETERS)
    {
        in.port = port->wire;
        if (!call_argument(&call, params, "params") || !call_argument(&call, nparams, "nparams"))
            break;
        in.nparams = REMOTE_NETWORK_PORT_PARAMETERS_MAX;
        if (call_run(&call, &in, &out) < 0)
            break;
        result = params_alloc_from_wire(&call, out.params.n, out.params.v, params, nparams);
    }
    return result;
}

/* What the daemon answers is how it went, as far as it knows; the call's end is all that counts. */
API int virDomainAgentSetResponseTimeout(virDomainPtr domain, int timeout, unsigned int flags)
{
    struct remote_domain_agent_set_response_timeout_in in = {.timeout = timeout, .flags = flags};
    struct remote_domain_agent_set_response_timeout_out out;
    struct call call;
    int result = -1;

    CALL(call, domain, OBJECT_DOMAIN, DOMAIN_AGENT_SET_RESPONSE_TIMEOUT)
    {
        in.dom = domain->wire;
        result = call_run(&call, &in, &out);
    }
    return result;
}
