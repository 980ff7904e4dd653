//! Offers and trades as people read them.
use comfy_table::Table;
use protocol::{escrow::Side, settlement::Asset, Amount, Timestamp};

use crate::{
    chain::deployment::to_ss58,
    cli::render::{moment, table},
    http::escrow::{
        offers::OfferView,
        trades::{TradeStep, TradeSummary, TradeView},
    },
};

/// One offer.
pub(super) fn offer(view: &OfferView) -> Table {
    let offer = &view.offer;
    let mut table = table(["offer", &view.id.to_string()]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row(
        "maker",
        format!("member {}, who would {}", offer.maker, side(offer.side)),
    );
    row("goods", offer.goods.clone());
    row("units", format!("{}, at least {} at once", offer.quantity, offer.least));
    if let Some(remaining) = view.remaining {
        row("units left", remaining.to_string());
    }
    row("price of one", amount(offer.unit_price, offer.asset));
    row("buyer's bond for one", amount(offer.unit_bond, offer.asset));
    row("seller's bond for one", amount(offer.unit_seller_bond, offer.asset));
    row(
        "if the arbiter is silent",
        amount(offer.unit_default_award, offer.asset),
    );
    row("delivery", offer.delivery.clone());
    row("arbiter", format!("member {}", offer.arbiter));
    let phases = offer.phases;
    row("accepted within", seconds(phases.accept));
    row("revealed within", seconds(phases.reveal));
    row("disputed within", seconds(phases.dispute));
    row("ruled within", seconds(phases.ruling));
    row("can be taken until", moment(offer.expires_at));
    if view.withdrawn {
        row("withdrawn", "yes".to_owned());
    }
    table
}

/// Many offers, a row each.
pub(super) fn offers(offers: &[OfferView]) -> Table {
    let mut table = table([
        "offer",
        "maker",
        "would",
        "goods",
        "units",
        "least",
        "price of one",
        "until",
    ]);
    for view in offers {
        let offer = &view.offer;
        let until = if view.withdrawn {
            "withdrawn".to_owned()
        } else {
            moment(offer.expires_at)
        };
        table.add_row([
            view.id.to_string(),
            offer.maker.to_string(),
            side(offer.side).to_owned(),
            offer.goods.clone(),
            view.remaining.unwrap_or(offer.quantity).to_string(),
            offer.least.to_string(),
            amount(offer.unit_price, offer.asset),
            until,
        ]);
    }
    table
}

/// One trade: what, how far, by when.
pub(super) fn trade(view: &TradeView) -> Table {
    let agreement = &view.agreement;
    let mut table = table(["trade", &view.id.to_string()]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("stage", view.stage.clone());
    row("role here", view.role.clone());
    row("deal on chain", view.deal.to_string());
    row("offer", agreement.offer.to_string());
    row("buyer", format!("member {}", agreement.buyer.member));
    row("seller", format!("member {}", agreement.seller.member));
    row("arbiter", format!("member {}", agreement.arbiter.member));
    row("goods", agreement.goods.clone());
    row("units", agreement.quantity.to_string());
    row("price", amount(agreement.price, agreement.asset));
    row("buyer's bond", amount(agreement.bond, agreement.asset));
    row("seller's bond", amount(agreement.seller_bond, agreement.asset));
    row(
        "if the arbiter is silent",
        amount(agreement.default_award, agreement.asset),
    );
    row("delivery", agreement.delivery.clone());
    row("accepted before", moment(agreement.deadlines.accept_by));
    row("revealed before", moment(agreement.deadlines.reveal_by));
    row("disputed before", moment(agreement.deadlines.dispute_by));
    row("ruled before", moment(agreement.deadlines.ruling_by));
    if let Some(at) = view.confirmed_at {
        row("confirmed here", moment(at));
    }
    let (own, other) = match view.role.as_str() {
        "arbiter" => ("buyer's evidence", "seller's evidence"),
        _ => ("evidence", "the other's evidence"),
    };
    if let Some(evidence) = &view.evidence {
        row(own, evidence.clone());
    }
    if let Some(evidence) = &view.other_evidence {
        row(other, evidence.clone());
    }
    if let Some(own) = view.own_cancellation {
        row("would cancel until", moment(own.expires_at));
    }
    if let Some(other) = view.other_cancellation {
        row("the other would until", moment(other.expires_at));
    }
    if let Some(award) = view.award {
        row("ruled to the seller", amount(award, agreement.asset));
    }
    table
}

/// The steps of a trade.
pub(super) fn history(view: &TradeView) -> Table {
    let mut table = table(["at", "stage", "what happened"]);
    for step in &view.history {
        table.add_row([moment(step.at), step.stage.clone(), step.detail.clone()]);
    }
    table
}

/// A step on one line.
pub(super) fn step(step: &TradeStep) -> String {
    format!("{}  {:<20} {}", moment(step.at), step.stage, step.detail)
}

/// Many trades, a row each.
pub(super) fn trades(trades: &[TradeSummary]) -> Table {
    let mut table = table([
        "trade",
        "role here",
        "goods",
        "units",
        "price",
        "buyer",
        "seller",
        "stage",
    ]);
    for trade in trades {
        table.add_row([
            trade.id.to_string(),
            trade.role.clone(),
            trade.goods.clone(),
            trade.quantity.to_string(),
            amount(trade.price, trade.asset),
            trade.buyer.to_string(),
            trade.seller.to_string(),
            trade.stage.clone(),
        ]);
    }
    table
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

fn amount(amount: Amount, asset: Asset) -> String {
    match asset {
        Asset::Native => amount.to_string(),
        Asset::Psp22(token) => format!("{amount} of {}", to_ss58(&token)),
    }
}

fn seconds(milliseconds: Timestamp) -> String {
    format!("{} s", milliseconds / 1_000)
}
