"""The three-way match of a day by other means: python3 reconciliation.py sqlite|dictionaries|pandas|polars DIRECTORY ROUNDS

Each finds the trades with something wrong among millions; what is wrong with these few, and which of them are one another's
under another id, is told by the same plain code for all.
"""
import collections
import csv
import json
import os
import resource
import sys
import time

DAY = 20783
SIDES = ("debit", "credit")


def judge(off):
    """`off`: for each trade with something wrong, the chain's row or None, and each side's rows."""
    found = collections.defaultdict(set)
    gaps, strays = {side: {} for side in SIDES}, {side: [] for side in SIDES}
    for trade, (chain, books) in off.items():
        for side in SIDES:
            rows = books[side]
            if chain is None:
                strays[side] += [(trade, row) for row in rows]
                continue
            if not rows:
                gaps[side][trade] = chain
            for row in rows:
                for kind, wrong in zip(("amount", "asset", "payer", "wrong_day"), [x != y for x, y in zip(row, chain)]):
                    if wrong:
                        found[trade].add((kind, side))
            if len(rows) > 1:
                found[trade].add(("duplicate", side))
    for side in SIDES:
        by_content = collections.defaultdict(lambda: ([], []))
        for trade, row in gaps[side].items():
            by_content[row][0].append(trade)
        for trade, row in strays[side]:
            by_content[row][1].append(trade)
        for missing, extra in by_content.values():
            if len(missing) == len(extra) == 1:
                found[missing[0]].add(("altered_id", side))
                continue
            for trade in missing:
                found[trade].add(("missing", side))
            for trade in extra:
                found[trade].add(("missing", "chain"))
    order = ["missing", "amount", "asset", "payer", "duplicate", "wrong_day", "altered_id"]
    key = lambda cause: (order.index(cause[0]), ("debit", "credit", "chain").index(cause[1]))
    return {t: [{"kind": k, "side": s} for k, s in sorted(c, key=key)] for t, c in found.items()}


def rows(directory, name):
    with open(os.path.join(directory, name + ".csv"), newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for trade, amount, asset, payer, day in reader:
            yield trade, (int(amount), asset, payer, int(day))


class Sqlite:
    def __init__(self, directory):
        import sqlite3

        path = os.path.join(directory, "joins.sqlite")
        started = time.perf_counter()
        if not os.path.exists(path):
            db = sqlite3.connect(path)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA cache_size = -262144")
            db.execute(
                "CREATE TABLE chain (trade BLOB PRIMARY KEY, amount INTEGER NOT NULL, asset TEXT NOT NULL, "
                "payer BLOB NOT NULL, day INTEGER NOT NULL) STRICT, WITHOUT ROWID"
            )
            for side in SIDES:
                db.execute(
                    f"CREATE TABLE {side} (trade BLOB NOT NULL, number INTEGER NOT NULL, amount INTEGER NOT NULL, "
                    "asset TEXT NOT NULL, payer BLOB NOT NULL, day INTEGER NOT NULL, "
                    "PRIMARY KEY (trade, number)) STRICT, WITHOUT ROWID"
                )
            blob = lambda text: bytes.fromhex(text[2:])
            for name in ("chain", *SIDES):
                number = "" if name == "chain" else "?, "
                made = (
                    (blob(trade), *([] if name == "chain" else [place]), amount, asset, blob(payer), day)
                    for place, (trade, (amount, asset, payer, day)) in enumerate(rows(directory, name))
                )
                db.executemany(f"INSERT INTO {name} VALUES (?, {number}?, ?, ?, ?)", made)
            db.commit()
            db.execute("ANALYZE")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            db.close()
        self.prepared = time.perf_counter() - started
        self.db = sqlite3.connect(path)
        self.db.execute("PRAGMA cache_size = -65536")
        self.db.execute("PRAGMA mmap_size = 4294967296")

    def match(self):
        off = {}
        text = lambda blob: "0x" + blob.hex()
        wrong = " OR ".join(
            f"{side}.trade IS NULL OR {side}.amount <> chain.amount OR {side}.asset <> chain.asset "
            f"OR {side}.payer <> chain.payer OR {side}.day <> chain.day"
            for side in SIDES
        )
        trades = set()
        query = (
            "SELECT chain.trade FROM chain LEFT JOIN debit ON debit.trade = chain.trade "
            f"LEFT JOIN credit ON credit.trade = chain.trade WHERE {wrong}"
        )
        trades.update(trade for (trade,) in self.db.execute(query))
        for side in SIDES:
            alone = (
                f"SELECT {side}.trade FROM {side} LEFT JOIN chain ON chain.trade = {side}.trade "
                f"WHERE chain.trade IS NULL"
            )
            trades.update(trade for (trade,) in self.db.execute(alone))
            twice = f"SELECT trade FROM {side} GROUP BY trade HAVING count(*) > 1"
            trades.update(trade for (trade,) in self.db.execute(twice))
        for trade in trades:
            read = lambda name: [
                (amount, asset, text(payer), day)
                for amount, asset, payer, day in self.db.execute(
                    f"SELECT amount, asset, payer, day FROM {name} WHERE trade = ?", (trade,)
                )
            ]
            chain = read("chain")
            off[text(trade)] = (chain[0] if chain else None, {side: read(side) for side in SIDES})
        return judge(off)


class Dictionaries:
    def __init__(self, directory):
        self.prepared = 0
        self.chain = dict(rows(directory, "chain"))
        self.books = {side: list(rows(directory, side)) for side in SIDES}

    def match(self):
        off, twice = {}, {side: {} for side in SIDES}
        by_trade = {}
        for side in SIDES:
            book = by_trade[side] = {}
            for trade, row in self.books[side]:
                if trade in book:
                    twice[side].setdefault(trade, [book[trade]]).append(row)
                else:
                    book[trade] = row
        debit, credit = by_trade["debit"], by_trade["credit"]
        wrong = {trade for side in SIDES for trade in twice[side]}
        wrong.update(trade for trade, row in self.chain.items() if not row == debit.get(trade) == credit.get(trade))
        for side in SIDES:
            wrong.update(by_trade[side].keys() - self.chain.keys())
        for trade in wrong:
            books = {}
            for side in SIDES:
                row = by_trade[side].get(trade)
                books[side] = twice[side].get(trade) or ([row] if row else [])
            off[trade] = (self.chain.get(trade), books)
        return judge(off)


def gathered(chain, books):
    """From the few rows of trades with something wrong."""
    off = {}
    for trade, *row in chain:
        off[trade] = (tuple(row), {side: [] for side in SIDES})
    for side in SIDES:
        for trade, *row in books[side]:
            off.setdefault(trade, (None, {side: [] for side in SIDES}))[1][side].append(tuple(row))
    return judge(off)


class Pandas:
    def __init__(self, directory):
        import pandas

        self.pandas, self.prepared = pandas, 0
        read = lambda name: pandas.read_csv(os.path.join(directory, name + ".csv"))
        self.chain, self.books = read("chain"), {side: read(side) for side in SIDES}

    def match(self):
        pandas = self.pandas
        wrong = []
        for side in SIDES:
            book = self.books[side]
            both = self.chain.merge(book, on="trade", how="outer", suffixes=("", "_book"), indicator=True)
            off = both["_merge"] != "both"
            for column in ("amount", "asset", "payer", "day"):
                off |= both[column] != both[column + "_book"]
            wrong += [both["trade"][off], book["trade"][book["trade"].duplicated()]]
        wrong = pandas.concat(wrong).unique()
        of = lambda table: table[table["trade"].isin(wrong)].itertuples(index=False, name=None)
        return gathered(of(self.chain), {side: of(self.books[side]) for side in SIDES})


class Polars:
    def __init__(self, directory):
        import polars

        self.polars, self.prepared = polars, 0
        read = lambda name: polars.read_csv(os.path.join(directory, name + ".csv"))
        self.chain, self.books = read("chain"), {side: read(side) for side in SIDES}

    def match(self):
        polars = self.polars
        chain = self.chain.lazy()
        wrong = []
        for side in SIDES:
            book = self.books[side].lazy()
            both = chain.join(book, on="trade", how="full", coalesce=True, suffix="_book")
            columns = ("amount", "asset", "payer", "day")
            off = polars.any_horizontal(polars.col(c).ne_missing(polars.col(c + "_book")) for c in columns)
            wrong.append(both.filter(off).select("trade"))
            wrong.append(book.group_by("trade").len().filter(polars.col("len") > 1).select("trade"))
        wrong = polars.concat(polars.collect_all(wrong)).unique()
        of = lambda table: table.join(wrong, on="trade", how="semi").iter_rows()
        return gathered(of(self.chain), {side: of(self.books[side]) for side in SIDES})


def main(name, directory, rounds):
    contestant = {"sqlite": Sqlite, "dictionaries": Dictionaries, "pandas": Pandas, "polars": Polars}[name]
    if name == "sqlite" and not os.path.exists(os.path.join(directory, "joins.sqlite")):
        # In another process, so that writing doesn't count as memory of matching.
        started = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            Sqlite(directory)
            os._exit(0)
        if os.waitpid(pid, 0)[1]:
            sys.exit("sqlite: the tables couldn't be written")
        prepared = time.perf_counter() - started
    else:
        prepared = 0
    started = time.perf_counter()
    try:
        ready = contestant(directory)
    except ImportError:
        print("{}")
        return
    loaded, times = time.perf_counter() - started, []
    for _ in range(int(rounds)):
        started = time.perf_counter()
        found = ready.match()
        times.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"prepared": prepared, "loaded": loaded, "matched": times, "peak_kib": peak, "found": found}))


main(*sys.argv[1:])
