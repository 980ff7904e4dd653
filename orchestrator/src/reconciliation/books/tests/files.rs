use std::path::PathBuf;

use protocol::{ids::TradeId, reconciliation::Correction};

use super::{
    super::{BooksError, Upload},
    world::{correction, day, World, BOOK, CLIENT, CREDIT},
};
use crate::reconciliation::{
    findings::Finding,
    import::{Format, Report},
};

const FILE: &str = "id,amount,date\nA,5,2026-11-25\nB,6,2026-11-25\nB,6,2026-11-26\n";

struct Desk {
    world: World,
    directory: tempfile::TempDir,
}

impl Desk {
    async fn open() -> Self {
        Self {
            world: World::open().await,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn upload(&self, text: &str) -> Upload {
        let path: PathBuf = self.directory.path().join("book.csv");
        std::fs::write(&path, text).unwrap();
        Upload {
            path,
            name: "book.csv".into(),
            format: Format::Csv,
            by: "ada".into(),
            is_dry_run: false,
            replaces: None,
        }
    }

    async fn import(&self, upload: Upload) -> Result<Report, BooksError> {
        self.world.credit.import(BOOK, upload).await
    }

    async fn lines(&self) -> Vec<(TradeId, u128, u64)> {
        let mut all = Vec::new();
        for on in self.world.store(CREDIT).booked_days(BOOK).await.unwrap() {
            let lines = self.world.store(CREDIT).own_lines(BOOK, on, None, 1_000).await.unwrap();
            all.extend(
                lines
                    .into_iter()
                    .map(|line| (line.trade, line.amount, line.number & 0xffff_ffff)),
            );
        }
        all.sort_unstable();
        all
    }
}

fn sorted(lines: &[(&str, u128, u64)]) -> Vec<(TradeId, u128, u64)> {
    let mut lines: Vec<_> = lines
        .iter()
        .map(|(id, amount, number)| (TradeId::of(id), *amount, *number))
        .collect();
    lines.sort_unstable();
    lines
}

#[tokio::test]
async fn a_file_is_booked_in_one_piece_and_the_same_file_again_is_the_same_import() {
    let desk = Desk::open().await;
    let report = desk.import(desk.upload(FILE)).await.unwrap();
    assert_eq!((report.lines, report.total, report.is_known), (3, 17, false));
    let import = report.import.unwrap();
    assert_eq!(
        (import.first_day, import.last_day),
        (Some(day("2026-11-25")), Some(day("2026-11-26")))
    );
    assert_eq!((import.by.as_str(), import.lines), ("ada", 3));
    // Two lines of one id are a matter for matching, not a fault of the file.
    let booked = sorted(&[("A", 5, 2), ("B", 6, 3), ("B", 6, 4)]);
    assert_eq!(desk.lines().await, booked);
    let again = desk.import(Upload {
        name: "another name.csv".into(),
        ..desk.upload(FILE)
    });
    let again = again.await.unwrap();
    assert!(again.is_known);
    assert_eq!(again.import.unwrap().id, import.id);
    assert_eq!(desk.lines().await, booked);
    assert_eq!(
        desk.world
            .store(CREDIT)
            .book_imports(BOOK, None, 9)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn of_a_file_with_one_wrong_line_nothing_is_booked() {
    let desk = Desk::open().await;
    let file = FILE.to_owned() + "C,x,2026-11-25\n";
    let refused = desk.import(desk.upload(&file)).await;
    let Err(BooksError::BadFile(report)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((report.problems[0].line, report.problems[0].column), (5, 2));
    assert_eq!(desk.lines().await, []);
    assert_eq!(desk.world.store(CREDIT).book_imports(BOOK, None, 9).await.unwrap(), []);
    // Nor is anything left over for the next one.
    desk.import(desk.upload(FILE)).await.unwrap();
    assert_eq!(desk.lines().await.len(), 3);
}

#[tokio::test]
async fn a_dry_run_tells_and_books_nothing() {
    let desk = Desk::open().await;
    let dry = |text: &str| Upload {
        is_dry_run: true,
        ..desk.upload(text)
    };
    let report = desk.import(dry(FILE)).await.unwrap();
    assert_eq!((report.lines, report.preview.len(), report.import), (3, 3, None));
    let report = desk.import(dry("id,amount,date\nA,,2026-11-25\n")).await.unwrap();
    assert_eq!(report.problems.len(), 1);
    assert_eq!(desk.lines().await, []);
}

#[tokio::test]
async fn a_file_longer_than_what_is_read_at_once_is_booked_whole() {
    let desk = Desk::open().await;
    let mut file = String::from("id,amount,date\n");
    for number in 0..5_003 {
        file.push_str(&format!("P-{number},{number},2026-11-25\n"));
    }
    let report = desk.import(desk.upload(&file)).await.unwrap();
    assert_eq!((report.lines, report.total), (5_003, 5_002 * 5_003 / 2));
    let lines = desk
        .world
        .store(CREDIT)
        .own_lines(BOOK, day("2026-11-25"), None, 10_000)
        .await
        .unwrap();
    assert_eq!(lines.len(), 5_003);
    // One that is wrong at its end leaves nothing of its begin.
    let desk = Desk::open().await;
    desk.import(desk.upload(&(file + "x,x,x\n"))).await.unwrap_err();
    assert_eq!(desk.lines().await, []);
}

#[tokio::test]
async fn an_import_comes_in_the_place_of_another() {
    let desk = Desk::open().await;
    let first = desk.import(desk.upload(FILE)).await.unwrap().import.unwrap().id;
    let replacing = |text: &str, replaces: i64| Upload {
        replaces: Some(replaces),
        ..desk.upload(text)
    };
    let fixed = "id,amount,date\nA,7,2026-11-25\n";
    let second = desk.import(replacing(fixed, first)).await.unwrap().import.unwrap();
    assert_eq!(desk.lines().await, sorted(&[("A", 7, 2)]));
    let replaced = desk
        .world
        .store(CREDIT)
        .book_import(BOOK, first)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(replaced.replaced_by, Some(second.id));
    let twice = desk.import(replacing("id,amount,date\n", first)).await;
    assert!(
        matches!(twice, Err(BooksError::AlreadyReplaced { by, .. }) if by == second.id),
        "{twice:?}"
    );
    let unknown = desk.import(replacing("id,amount,date\n", 99)).await;
    assert!(
        matches!(unknown, Err(BooksError::UnknownImport { import: 99, .. })),
        "{unknown:?}"
    );
    // What was replaced can come again.
    let third = desk.import(replacing(FILE, second.id)).await.unwrap();
    assert!(!third.is_known);
    assert_eq!(desk.lines().await.len(), 3);
}

#[tokio::test]
async fn what_a_correction_booked_isnt_there_twice_when_a_better_file_comes() {
    let desk = Desk::open().await;
    let world = &desk.world;
    let first = desk
        .import(desk.upload("id,amount,date\nA,5,2026-11-25\n"))
        .await
        .unwrap();
    let made: Correction = correction(TradeId::of("B"), 0, day("2026-11-25"), 6);
    world.chain.correct(made.clone());
    world.credit.follow().await.unwrap();
    let finding = Finding {
        trade: made.trade,
        day: made.day,
        causes: Vec::new(),
        entry: None,
        batch: None,
        debit: Vec::new(),
        credit: Vec::new(),
        is_expected: false,
    };
    world.credit.apply(BOOK, &made, &finding).await.unwrap();
    assert_eq!(desk.lines().await, sorted(&[("A", 5, 2), ("B", 6, 1)]));
    let better = Upload {
        replaces: Some(first.import.unwrap().id),
        ..desk.upload("id,amount,date\nA,5,2026-11-25\nB,6,2026-11-25\n")
    };
    desk.import(better).await.unwrap();
    assert_eq!(desk.lines().await, sorted(&[("A", 5, 2), ("B", 6, 3)]));
}

#[tokio::test]
async fn what_is_closed_is_neither_replaced_nor_added_to() {
    let desk = Desk::open().await;
    let first = desk.import(desk.upload(FILE)).await.unwrap().import.unwrap().id;
    desk.world.chain.close(BOOK, day("2026-11-25"));
    desk.world.credit.follow().await.unwrap();
    let replacing = Upload {
        replaces: Some(first),
        ..desk.upload("id,amount,date\nC,7,2026-11-26\n")
    };
    let refused = desk.import(replacing).await;
    assert!(
        matches!(refused, Err(BooksError::DayFinal { day: of, .. }) if of == day("2026-11-25")),
        "{refused:?}"
    );
    let late = desk.import(desk.upload("id,amount,date\nC,7,2026-11-25\n")).await;
    assert!(matches!(late, Err(BooksError::BadFile(_))), "{late:?}");
    assert_eq!(desk.lines().await.len(), 3);
}

#[tokio::test]
async fn only_a_side_has_a_book_to_import_into() {
    let desk = Desk::open().await;
    let refused = desk.world.client.import(BOOK, desk.upload(FILE)).await;
    assert!(matches!(refused, Err(BooksError::NotASide(_))), "{refused:?}");
    assert_eq!(desk.world.store(CLIENT).booked_days(BOOK).await.unwrap(), []);
    let mut gone = desk.upload(FILE);
    gone.path = desk.directory.path().join("gone.csv");
    assert!(matches!(desk.import(gone).await, Err(BooksError::Unreadable(_))));
}
