//! Plans for a table and answers to a batch, valid as made and then damaged a little, as a string of bytes chooses. Must not know
//! the rules: what is valid is for `rules.rs` to say.

use lockgate::contract::{
    Answer, Cells, Edit, Emission, EmissionHeader, Field, Image, Plan, Rejection, Rename, kind,
};
use lockgate::table::Table;

/// Takes decisions from bytes; when they run out, the first choice every time.
pub(crate) struct Choices<'a>(pub(crate) &'a [u8]);

impl Choices<'_> {
    /// A number below `count`, which is small.
    fn below(&mut self, count: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % count.max(1)
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) + 1 == count
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Some of `0..count`, ascending.
    fn some(&mut self, count: u32, one_in: usize) -> Vec<u32> {
        (0..count).filter(|_| self.one_in(one_in)).collect()
    }
}

const IMAGES: [Image; 3] = [Image::After, Image::Before, Image::Key];
const NEW: [&str; 4] = ["new", "no \"quotes\"", "größe", "new2"];
const HEADERS: [&str; 3] = ["trace", "source", "x-ü"];
const POINTERS: [&str; 7] =
    ["/lang", "/contact/email", "/contact", "/0", "/a~1b~0", "/-", "/contact/phones/0"];

fn field(image: Image, name: &str, pointer: &str) -> Field {
    Field { image, name: name.to_owned(), pointer: pointer.to_owned() }
}

/// A plan that mostly keeps to the rules.
pub(crate) fn plan(table: &Table, choices: &mut Choices<'_>) -> Plan {
    let mut plan = Plan::default();
    let names: Vec<&str> = table.columns.iter().map(|column| &*column.name).collect();
    let mut taken: Vec<(Image, &str)> = Vec::new();
    for _ in 0..1 + choices.below(6) {
        let wanted = place(&names, choices);
        let is_free = !taken.contains(&(wanted.image, &wanted.name));
        if is_free || choices.one_in(40) {
            let name = names.iter().chain(&NEW).chain(&HEADERS).find(|name| **name == wanted.name);
            taken.extend(name.map(|name| (wanted.image, *name)));
            plan.writes.push(wanted);
        }
    }
    for _ in 0..choices.below(3) {
        let wanted = place(&names, choices);
        let is_free = !plan.writes.iter().chain(&plan.removes).any(|other| is_near(other, &wanted));
        if (is_free && wanted.image != Image::Meta) || choices.one_in(40) {
            plan.removes.push(wanted);
        }
    }
    for _ in 0..choices.below(3) {
        let (image, name) = (choices.of(&IMAGES), choices.of(&names));
        let is_gone = |other: &Field| (other.image, &*other.name) == (image, name);
        let renamed = plan.renames.iter().map(|rename| &rename.column);
        if !plan.removes.iter().chain(renamed).any(is_gone) || choices.one_in(40) {
            let others = ["neu", "a.b", "neu \\ 2", names[0], NEW[0]];
            let to = others[choices.below(others.len() * 3) % others.len()].to_owned();
            plan.renames.push(Rename { column: field(image, name, ""), to });
        }
    }
    for _ in 0..choices.below(4) {
        plan.reads.push(place(&names, choices));
    }
    plan.operations = choices.of(&[&b""[..], b"", b"", b"cr", b"u", b"ud", b"x"]).to_vec();
    if choices.one_in(8) {
        damage_plan(&mut plan, choices);
    }
    plan
}

/// Whether both are in the same cell or header.
fn is_near(a: &Field, b: &Field) -> bool {
    (a.image, &a.name) == (b.image, &b.name)
}

fn place(names: &[&str], choices: &mut Choices<'_>) -> Field {
    let image = choices.of(&IMAGES);
    match choices.below(10) {
        0 => field(image, choices.of(&NEW), choices.of(&["", "", "/lang"])),
        1 => field(Image::Header, choices.of(&HEADERS), ""),
        2 => field(Image::Meta, "topic", ""),
        3 | 4 => field(image, choices.of(names), choices.of(&POINTERS)),
        _ => field(image, choices.of(names), ""),
    }
}

fn damage_plan(plan: &mut Plan, choices: &mut Choices<'_>) {
    let all = plan.reads.len() + plan.writes.len() + plan.removes.len() + plan.renames.len();
    let at = choices.below(all);
    let renames = plan.renames.iter_mut().map(|rename| &mut rename.column);
    let fields = plan.reads.iter_mut().chain(&mut plan.writes).chain(&mut plan.removes);
    let Some(hurt) = fields.chain(renames).nth(at) else { return };
    match choices.below(10) {
        0 => hurt.name.clear(),
        1 => hurt.name.push('\0'),
        2 => hurt.image = Image::Meta,
        3 => hurt.image = Image::Header,
        4 => *hurt = field(Image::Meta, "offset", ""),
        5 => hurt.pointer = "no-slash".to_owned(),
        6 => hurt.pointer = "/a~2".to_owned(),
        7 => hurt.pointer.push('~'),
        8 => hurt.pointer.push_str("/deeper"),
        _ => {
            let twin = hurt.clone();
            plan.writes.push(twin);
        }
    }
    if let (Some(rename), true) = (plan.renames.first_mut(), choices.one_in(4)) {
        rename.to.clear();
    }
}

/// An answer that keeps to the contract, in a batch of `rows`.
pub(crate) fn answer(plan: &Plan, rows: u32, choices: &mut Choices<'_>) -> Answer {
    let mut answer = Answer::default();
    for (write, field) in (0u32..).zip(&plan.writes) {
        if choices.one_in(5) {
            continue;
        }
        let mut edit = Edit { write, rows: choices.some(rows, 2), cells: Cells::default() };
        for _ in &edit.rows {
            let is_topic = field.image == Image::Meta;
            let (kind, data) = if is_topic { topic_cell(choices) } else { cell(choices) };
            edit.cells.kinds.push(kind);
            edit.cells.data.extend_from_slice(data);
            edit.cells.ends.push(u32::try_from(edit.cells.data.len()).expect("short cells"));
        }
        answer.edits.push(edit);
    }
    answer.drops = choices.some(rows, 8);
    for row in choices.some(rows, 10) {
        if !answer.drops.contains(&row) {
            answer.rejections.push(Rejection { row, reason: "no".to_owned() });
        }
    }
    for row in choices.some(rows, 6) {
        if !answer.rejections.iter().any(|rejection| rejection.row == row) {
            let times = 1 + choices.below(2);
            answer.emissions.extend((0..times).map(|_| emission(row, choices)));
        }
    }
    answer
}

fn cell(choices: &mut Choices<'_>) -> (u8, &'static [u8]) {
    choices.of(&[
        (kind::STRING, "größe 日本 😀".as_bytes()),
        (kind::STRING, b"\"\\\n\x01"),
        (kind::STRING, b""),
        (kind::STRING, br#"{"lang":"de","contact":{"email":"x"}}"#),
        (kind::NULL, b""),
        (kind::ABSENT, b""),
        (kind::BOOLEAN, b"false"),
        (kind::NUMBER, b"-18446744073709551616.50e-7"),
        (kind::NUMBER, b"0"),
        (kind::JSON, br#"{"a":[1,{"b":"\u00e9"}]}"#),
        (kind::JSON, b" [ ] \n"),
        (kind::BYTES, b"\xff\x00\xfe"),
        (kind::BYTES, b""),
    ])
}

fn topic_cell(choices: &mut Choices<'_>) -> (u8, &'static [u8]) {
    (kind::STRING, choices.of(&[&b"clean.orders"[..], b"a_b-C.1", b"..."]))
}

fn emission(row: u32, choices: &mut Choices<'_>) -> Emission {
    let bytes = |choices: &mut Choices<'_>| {
        choices.of(&[None, Some(&b"{}"[..]), Some(b""), Some(b"\xff\x00")]).map(<[u8]>::to_vec)
    };
    let name = choices.of(&HEADERS).to_owned();
    let headers = vec![EmissionHeader { name, value: bytes(choices) }];
    let (key, value) = (bytes(choices), bytes(choices));
    Emission { row, topic: "made".to_owned(), key, value, headers }
}

/// Makes one thing about `answer` otherwise, which need not be wrong.
pub(crate) fn damage(answer: &mut Answer, plan: &Plan, rows: u32, choices: &mut Choices<'_>) {
    match choices.below(9) {
        0 => damage_rows(&mut answer.drops, rows, choices),
        1 => {
            let mut numbers: Vec<u32> = answer.rejections.iter().map(|one| one.row).collect();
            damage_rows(&mut numbers, rows, choices);
            let reject = |row| Rejection { row, reason: String::new() };
            answer.rejections = numbers.into_iter().map(reject).collect();
        }
        2 => damage_emissions(answer, rows, choices),
        3 => {
            let planned = u32::try_from(plan.writes.len()).expect("few writes");
            let twin = answer.edits.first().cloned().unwrap_or_default();
            match (choices.below(4), answer.edits.last_mut()) {
                (0, Some(edit)) => edit.write = planned,
                (1, Some(edit)) => edit.write = u32::MAX,
                (2, _) => answer.edits.push(twin),
                _ => answer.edits.reverse(),
            }
        }
        4 => {
            let of_topic = |edit: &&mut Edit| {
                let field = plan.writes.get(edit.write as usize);
                field.is_some_and(|field| field.image == Image::Meta)
            };
            let code = choices.of(&[kind::BYTES, kind::NULL, kind::JSON]);
            let kinds = answer.edits.iter_mut().find(of_topic).map(|edit| &mut edit.cells.kinds);
            kinds.into_iter().flatten().take(1).for_each(|kind| *kind = code);
        }
        _ => {
            let at = choices.below(answer.edits.len());
            if let Some(edit) = answer.edits.get_mut(at) {
                damage_edit(edit, rows, choices);
            }
        }
    }
}

fn damage_rows(numbers: &mut Vec<u32>, rows: u32, choices: &mut Choices<'_>) {
    let at = choices.below(numbers.len());
    match (choices.below(7), numbers.get_mut(at)) {
        (0, _) => numbers.push(rows),
        (1, _) => numbers.push(rows.saturating_sub(1)),
        (2, Some(number)) => *number = u32::MAX,
        (3, Some(number)) => *number = number.wrapping_sub(1),
        (4, Some(number)) => *number = number.wrapping_add(1),
        (5, _) => numbers.reverse(),
        _ => numbers.insert(0, 0),
    }
}

fn damage_emissions(answer: &mut Answer, rows: u32, choices: &mut Choices<'_>) {
    if answer.emissions.is_empty() {
        let row = u32::try_from(choices.below(rows as usize + 1)).expect("few rows");
        answer.emissions.push(emission(row, choices));
    }
    let rejected = answer.rejections.first().map(|rejection| rejection.row);
    let at = choices.below(answer.emissions.len());
    let hurt = &mut answer.emissions[at];
    match choices.below(7) {
        0 => hurt.row = rows,
        1 => hurt.row = rejected.unwrap_or(0),
        2 => hurt.topic = choices.of(&["", ".", "..", "a b", "ü", "a\0"]).to_owned(),
        3 => hurt.topic = "t".repeat(249 + choices.below(2)),
        4 => hurt.headers[0].name = "a\0b".to_owned(),
        5 => hurt.headers[0].name.clear(),
        _ => answer.emissions.reverse(),
    }
}

fn damage_edit(edit: &mut Edit, rows: u32, choices: &mut Choices<'_>) {
    let at = choices.below(edit.rows.len());
    let cells = &mut edit.cells;
    let byte = choices.below(cells.data.len());
    match choices.below(12) {
        0 => damage_rows(&mut edit.rows, rows, choices),
        1 => drop(cells.kinds.pop()),
        2 => drop(cells.ends.pop()),
        3 => drop(edit.rows.pop()),
        4 => cells.kinds.push(kind::NULL),
        5 => cells.ends.push(cells.ends.last().copied().unwrap_or(0)),
        6 => cells.data.push(b'x'),
        7 => divide_a_character(cells),
        8 => {
            let by = choices.of(&[1, u32::MAX, 2, 1 << 31]);
            cells.ends.iter_mut().skip(at).take(1).for_each(|end| *end = end.wrapping_add(by));
        }
        9 => {
            let code = choices.of(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 255]);
            cells.kinds.iter_mut().skip(at).take(1).for_each(|kind| *kind = code);
        }
        10 => {
            let new = choices.of(b"\xff\x00\"0}e.-]a \xc3");
            cells.data.iter_mut().skip(byte).take(1).for_each(|byte| *byte = new);
        }
        _ => cells.ends.reverse(),
    }
}

/// Moves the end of a cell into a character, the rest of which comes to stand in the next cell; both are text.
fn divide_a_character(cells: &mut Cells) {
    let is_inside = |byte: &u8| byte & 0xc0 == 0x80;
    let Some(cut) = cells.data.iter().position(is_inside) else { return };
    let Some(at) = cells.ends.iter().position(|end| *end as usize > cut) else { return };
    cells.ends[at] = u32::try_from(cut).expect("short cells");
    cells.kinds.iter_mut().skip(at).take(2).for_each(|code| *code = kind::STRING);
}
