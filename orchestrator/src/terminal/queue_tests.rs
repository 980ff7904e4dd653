use std::fs::File;

use protocol::{
    prepaid::{CardNumber, CardPayment, SignedPayment},
    AccountId, Signature,
};

use super::*;

pub(in crate::terminal) fn draft(counter: u64) -> Draft {
    let payment = CardPayment {
        card: CardNumber(7),
        counter,
        merchant: MerchantNumber(5),
        terminal: AccountId([4; 32]),
        amount: 100,
        least: 100,
        expires_at: 1_000,
    };
    Draft {
        name: Some(format!("sale {counter}")),
        signed_at: 10,
        is_offline: true,
        merchant: MerchantNumber(5),
        order: TerminalOrder::Pay {
            payment: SignedPayment {
                payment,
                card: Signature([5; 64]),
                terminal: Signature([6; 64]),
            },
        },
    }
}

pub(in crate::terminal) fn approved() -> Outcome {
    Outcome::Answered {
        answer: OrderAnswer::Approved {
            taken: 100,
            balance: u128::MAX,
            cycle: 0,
            block: 12,
            block_hash: [9; 32],
        },
        at: 20,
    }
}

fn counters(queue: &Queue) -> Vec<u64> {
    queue.waiting().values().map(|entry| entry.payment().1).collect()
}

#[test]
fn what_is_kept_is_there_after_a_crash_until_it_is_answered() {
    let place = tempfile::tempdir().unwrap();
    let mut queue = Queue::open(place.path()).unwrap();
    let first = queue.keep(draft(1)).unwrap().clone();
    queue.keep(draft(2)).unwrap();
    let mut queue = Queue::open(place.path()).unwrap();
    assert_eq!(counters(&queue), [1, 2]);
    assert_eq!(queue.waiting()[&first.number], first);

    let finished = queue.finish(first.number, approved()).unwrap().unwrap();
    assert_eq!(finished.outcome, Some(approved()));
    assert_eq!(queue.finish(first.number, approved()).unwrap(), None, "once");
    let queue = Queue::open(place.path()).unwrap();
    assert_eq!(counters(&queue), [2]);
    assert_eq!(queue.receipts().unwrap().entries[&first.number], finished);
}

#[test]
fn an_order_is_found_by_its_name_before_and_after_its_answer() {
    let place = tempfile::tempdir().unwrap();
    let mut queue = Queue::open(place.path()).unwrap();
    let number = queue.keep(draft(1)).unwrap().number;
    assert!(queue.named("sale 2").unwrap().is_none());
    queue.keep(draft(2)).unwrap();
    queue.finish(number, approved()).unwrap();
    for mut queue in [queue, Queue::open(place.path()).unwrap()] {
        assert!(queue.named("sale 1").unwrap().unwrap().outcome.is_some());
        assert!(queue.named("sale 2").unwrap().unwrap().outcome.is_none());
    }
}

#[test]
fn a_number_is_given_once() {
    let place = tempfile::tempdir().unwrap();
    let mut numbers = Vec::new();
    for counter in 1..=3 {
        let mut queue = Queue::open(place.path()).unwrap();
        let number = queue.keep(draft(counter)).unwrap().number;
        queue.finish(number, approved()).unwrap();
        numbers.push(number);
    }
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn a_crash_between_receipt_and_queue_leaves_the_receipt() {
    let place = tempfile::tempdir().unwrap();
    let mut queue = Queue::open(place.path()).unwrap();
    let number = queue.keep(draft(1)).unwrap().number;
    let file = path(&place.path().join(QUEUE), number);
    let waiting_file = fs::read(&file).unwrap();
    queue.finish(number, approved()).unwrap();
    fs::write(&file, waiting_file).unwrap();

    assert!(waiting(place.path()).unwrap().entries.is_empty());
    assert!(Queue::open(place.path()).unwrap().waiting().is_empty());
    assert!(!file.exists());
}

#[test]
fn a_draft_cut_anywhere_is_no_order_and_no_hindrance() {
    let place = tempfile::tempdir().unwrap();
    let mut queue = Queue::open(place.path()).unwrap();
    let number = queue.keep(draft(1)).unwrap().number;
    let folder = place.path().join(QUEUE);
    let whole = fs::read(path(&folder, number)).unwrap();
    let next = folder.join(".00000002.json.new");
    for length in 0..=whole.len() {
        fs::write(&next, &whole[..length]).unwrap();
        let queue = Queue::open(place.path()).unwrap();
        assert_eq!((counters(&queue), queue.damaged().len()), (vec![1], 0));
    }
    let mut queue = Queue::open(place.path()).unwrap();
    assert_eq!(queue.keep(draft(2)).unwrap().number, 2);
    assert!(!next.exists());
}

#[test]
fn an_order_torn_by_the_disk_is_told_of_and_costs_no_other() {
    let place = tempfile::tempdir().unwrap();
    let mut queue = Queue::open(place.path()).unwrap();
    for counter in 1..=3 {
        queue.keep(draft(counter)).unwrap();
    }
    let torn = path(&place.path().join(QUEUE), 2);
    let length = fs::metadata(&torn).unwrap().len();
    for length in (0..length).rev() {
        File::options()
            .write(true)
            .open(&torn)
            .unwrap()
            .set_len(length)
            .unwrap();
        let mut queue = Queue::open(place.path()).unwrap();
        assert_eq!(counters(&queue), [1, 3], "cut after {length} bytes");
        assert_eq!(queue.damaged(), std::slice::from_ref(&torn));
        assert!(queue.finish(2, approved()).unwrap().is_none());
    }
    let mut queue = Queue::open(place.path()).unwrap();
    assert_eq!(queue.keep(draft(4)).unwrap().number, 4, "its number isn't given again");
}

#[test]
fn a_receipt_torn_by_the_disk_is_asked_for_again_while_the_order_waits() {
    let place = tempfile::tempdir().unwrap();
    let mut queue = Queue::open(place.path()).unwrap();
    let number = queue.keep(draft(1)).unwrap().number;
    let receipt = path(&place.path().join(RECEIPTS), number);
    fs::write(&receipt, "{\"number\": 1, ").unwrap();
    let mut queue = Queue::open(place.path()).unwrap();
    assert_eq!(counters(&queue), [1]);
    assert_eq!(queue.receipts().unwrap().damaged, [receipt]);
    queue.finish(number, approved()).unwrap();
    assert_eq!(queue.receipts().unwrap().entries.len(), 1);
}
