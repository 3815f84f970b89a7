//! How many rows one call takes: what a plan reads of a row may be more than the row, and what the gateway does for a plugin counts
//! towards no deadline. Must not know what cells hold.

use crate::contract::{Field, Image, Plan};

use super::{Batch, CALL_BYTES, CALL_ROWS};

/// How often a plan may read the same bytes: a column and places inside it, the whole value beside its columns.
const OVERLAPS: usize = 8;

/// The most places that one list of a plan has inside one column. Each is looked for from the column's beginning.
const PLACES: usize = 1_024;

/// Bytes that a cell takes whatever it holds: its kind, its end, and what the gateway itself knows of a record.
const CELL_BYTES: usize = 16;

/// The meta field that holds the record's whole value.
const VALUE: &str = "value";

/// What a call takes for each of its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// How often its images are read at the most, its headers, and its whole value.
    images: usize,
    headers: usize,
    value: usize,
    /// Bytes that do not depend on the row.
    fixed: usize,
}

impl Weight {
    /// The error says what there is too much of.
    pub(super) fn of(plan: &Plan) -> Result<Self, String> {
        let removes = plan.removes.iter().filter(|field| !field.pointer.is_empty());
        for places in [sorted(&plan.reads), sorted(&plan.writes), sorted(removes)] {
            few_inside(&places)?;
        }
        let is_value = |field: &Field| field.image == Image::Meta && field.name == VALUE;
        let (mut images, mut headers, mut values) = (Vec::new(), Vec::new(), 0);
        for field in &plan.reads {
            match field.image {
                Image::Before | Image::After | Image::Key => images.push(field),
                Image::Header => headers.push(field),
                Image::Meta => values += usize::from(is_value(field)),
            }
        }
        let (images, headers) = (overlaps(&sorted(images)), overlaps(&sorted(headers)));
        let often = images.max(headers).max(values);
        if often > OVERLAPS {
            return Err(format!(
                "it reads the same place {often} times, and {OVERLAPS} are allowed"
            ));
        }
        // A place inside a cell is written into a copy of the whole cell.
        let changes = plan.writes.iter().chain(&plan.removes);
        let copies = usize::from(changes.into_iter().any(|field| !field.pointer.is_empty()));
        let fixed = plan.reads.len() * CELL_BYTES;
        Ok(Self { images: images.max(copies), headers, value: values, fixed })
    }

    fn row(self, number: u32, batch: Batch<'_, '_>) -> usize {
        let Some(row) = batch.events.rows.get(number as usize) else { return 0 };
        let spans = [row.before.span, row.after.span, row.key.span];
        let images = spans.iter().map(|span| (span.end - span.start) as usize).sum::<usize>();
        let mut bytes = images * self.images + self.fixed;
        if self.headers + self.value > 0
            && let Some(record) = batch.records.get(row.record as usize)
        {
            let headers = record.headers.iter().filter_map(|header| header.value);
            bytes += headers.map(<[u8]>::len).sum::<usize>() * self.headers;
            bytes += record.value.map_or(0, <[u8]>::len) * self.value;
        }
        bytes
    }

    /// How many of `rows` fit into one call; at least one.
    pub(super) fn fitting(self, rows: &[u32], batch: Batch<'_, '_>) -> usize {
        if self == Self::default() {
            return rows.len().min(CALL_ROWS);
        }
        let mut bytes = 0;
        let fits = rows.iter().take(CALL_ROWS).take_while(|number| {
            bytes += self.row(**number, batch);
            bytes <= CALL_BYTES
        });
        fits.count().max(1)
    }
}

/// A place in an event, with its pointer taken apart.
type Taken<'a> = (Image, &'a str, Vec<&'a str>);

/// So that a place stands right before those inside it.
fn sorted<'a>(fields: impl IntoIterator<Item = &'a Field>) -> Vec<Taken<'a>> {
    let taken =
        |field: &'a Field| (field.image, field.name.as_str(), field.pointer.split('/').collect());
    let mut places: Vec<Taken<'a>> = fields.into_iter().map(taken).collect();
    places.sort_unstable();
    places
}

/// The most places that lie in one another, or are the same.
fn overlaps(places: &[Taken<'_>]) -> usize {
    let (mut around, mut most): (Vec<&Taken<'_>>, usize) = (Vec::new(), 0);
    for place in places {
        let holds = |outer: &&Taken<'_>| {
            (outer.0, outer.1) == (place.0, place.1) && place.2.starts_with(&outer.2)
        };
        while around.pop_if(|outer| !holds(&*outer)).is_some() {}
        around.push(place);
        most = most.max(around.len());
    }
    most
}

fn few_inside(places: &[Taken<'_>]) -> Result<(), String> {
    let of_one = places.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
    let inside = |places: &[Taken<'_>]| places.iter().filter(|place| place.2.len() > 1).count();
    match of_one.max_by_key(|places| inside(places)) {
        Some(places @ [(image, name, _), ..]) if inside(places) > PLACES => Err(format!(
            "it has {} places inside {image}.{name}, and {PLACES} are allowed",
            inside(places)
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(image: Image, name: &str, pointer: &str) -> Field {
        Field { image, name: name.to_owned(), pointer: pointer.to_owned() }
    }

    fn weight(reads: Vec<Field>) -> Result<Weight, String> {
        Weight::of(&Plan { reads, ..Plan::default() })
    }

    #[test]
    fn columns_that_are_read_once_each_weigh_a_row_once() {
        let read = |name| field(Image::After, name, "");
        let expected = Weight { images: 1, fixed: 2 * CELL_BYTES, ..Weight::default() };
        assert_eq!(weight(vec![read("a"), read("b")]), Ok(expected));
        let inside = |pointer| field(Image::After, "doc", pointer);
        assert_eq!(weight(vec![inside("/a"), inside("/b/c"), inside("/b/d")]).unwrap().images, 1);
        assert_eq!(weight(vec![inside("/b"), inside("/b/d"), inside("/a")]).unwrap().images, 2);
        assert_eq!(weight(vec![inside("/b"), inside("/b-c"), inside("")]).unwrap().images, 2);
    }

    #[test]
    fn a_plan_cannot_read_the_same_bytes_again_and_again() {
        for field in [
            field(Image::Meta, "value", ""),
            field(Image::After, "doc", ""),
            field(Image::Header, "h", ""),
        ] {
            assert!(weight(vec![field.clone(); OVERLAPS]).is_ok());
            assert_eq!(
                weight(vec![field; OVERLAPS + 1]),
                Err("it reads the same place 9 times, and 8 are allowed".to_owned())
            );
        }
    }

    #[test]
    fn a_plan_cannot_look_for_any_number_of_places_in_one_column() {
        let places = |many: usize| {
            (0..many).map(|n| field(Image::After, "doc", &format!("/p{n}"))).collect::<Vec<_>>()
        };
        assert!(weight(places(PLACES)).is_ok());
        let error = Err("it has 1025 places inside after.doc, and 1024 are allowed".to_owned());
        assert_eq!(weight(places(PLACES + 1)), error);
        let writes = Plan { writes: places(PLACES + 1), ..Plan::default() };
        assert_eq!(Weight::of(&writes), error);
        let removes = Plan { removes: places(PLACES + 1), ..Plan::default() };
        assert_eq!(Weight::of(&removes), error);
    }
}
