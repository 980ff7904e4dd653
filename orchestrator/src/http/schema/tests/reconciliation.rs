use protocol::{reconciliation as paper, settlement::Asset, Member};

use super::{super::reconciliation, agree};

#[test]
fn terms_of_books() {
    agree::<_, reconciliation::BookTerms>(&paper::Terms {
        client: Member(3),
        debit: Member(1),
        credit: Member(2),
        asset: Asset::Native,
        zone: b"Europe/Berlin".to_vec(),
        patience: 86_400_000,
        number: 7,
    });
}
