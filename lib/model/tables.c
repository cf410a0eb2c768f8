/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/tables.h"

#include "model/domain/domain.h"
#include "model/secret.h"
#include "model/storage/pool.h"
#include "model/storage/volume.h"

const struct xt_table *const model_tables[] = {&domain_table, &secret_table, &pool_table, &volume_table, NULL};
