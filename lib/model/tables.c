/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/tables.h"

#include "model/domain/domain.h"
#include "model/interface.h"
#include "model/moment.h"
#include "model/network.h"
#include "model/nodedev.h"
#include "model/secret.h"
#include "model/storage/pool.h"
#include "model/storage/volume.h"

const struct xt_table *const model_tables[] = {
    &domain_table,    &secret_table,  &pool_table,     &volume_table,     &network_table,
    &interface_table, &nodedev_table, &snapshot_table, &checkpoint_table, NULL};
