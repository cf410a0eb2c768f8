/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Local: Unix sockets by their place in a directory. The directory's descriptor is the way, so that a path
 * may be longer than sun_path holds, and nobody can put another directory in its place meanwhile.
 */
#pragma once

/* Connect to the socket at path, non-blocking: a descriptor or -errno. A symbolic link in the socket's own
 * place isn't followed (-ELOOP): whoever may write there could lead us to a socket that only we may open. */
int local_connect(const char *path);
/* Listen at dir/name, whatever was there before: a descriptor or -errno. */
int local_listen(int dir, const char *name, int backlog);
