/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals as ordinary happenings of the loop. */
#pragma once

/*
 * From now on caught(number, arg) is called on the loop for this signal; stays so until the process ends. 0
 * or -errno.
 */
int signal_catch(int number, void (*caught)(int number, void *arg), void *arg);
