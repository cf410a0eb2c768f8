#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
sed -i "s/nothing/x/" "$1"
