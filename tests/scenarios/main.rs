//! Scenarios against real processes: a node, two banks and a notary on free ports, one file each.
#![allow(clippy::unwrap_used)] // a failed test is a panic

mod a_payment_settles_and_an_auditor_reads_it_with_polkadot_js;
mod a_secret_revealed_at_the_last_moment_pays_the_seller;
mod a_trade_in_tokens_settles;
mod deploying_again_changes_nothing;
mod escrow_parties_killed_at_any_step_lose_nothing;
mod hostile_peers_get_a_reason_and_change_nothing;
mod institutions_killed_at_any_step_complete_once;
mod network;
mod payments_survive_the_death_of_the_node;
mod submitted_transactions_are_carried_out_once;
mod the_home_bank_refuses;
mod the_readme_can_be_followed;
mod trades_survive_the_death_of_the_node;
mod trading;
mod two_hundred_deals_reach_their_right_end;
