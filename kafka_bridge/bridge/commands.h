/*
 * commands.h
 *		The sub-commands: what an operator does by hand. Each prints its answer on standard output.
 */
#pragma once

#include "options.h"
#include "base/status.h"

Status command_status(const BridgeConfig *config, int stop_fd);
Status command_verify(const BridgeConfig *config, int stop_fd);
Status command_backfill(const BridgeConfig *config, int stop_fd);
Status command_dead_letters_list(const BridgeConfig *config, int stop_fd);
Status command_dead_letters_replay(const BridgeConfig *config, int stop_fd);
Status command_slot_create(const BridgeConfig *config, int stop_fd);
Status command_slot_drop(const BridgeConfig *config, int stop_fd);
Status command_progress_show(const BridgeConfig *config, int stop_fd);
Status command_progress_set(const BridgeConfig *config, int stop_fd);
