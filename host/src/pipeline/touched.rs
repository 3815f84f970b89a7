//! Which columns of a table the chain has a hand in, by name: for whoever shows records and must hide what plugins hide. Must not
//! know what is shown or to whom.

use std::sync::Arc;

use super::Pipeline;
use crate::contract::Image;
use crate::overlay::{Fate, Layout, Target};
use crate::table::Table;

/// What a chain does to the columns of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Columns of the source that are written or removed in any image, wholly or in part, and those that no one has listed.
    pub columns: Vec<Arc<str>>,
    /// Headers that are written or removed.
    pub headers: Vec<Arc<str>>,
    /// Columns of the source that leave under another name.
    pub renamed: Vec<(Arc<str>, Arc<str>)>,
}

impl Pipeline {
    /// What the chain does to the table of that name. None where nobody knows, since the chain could not open it.
    pub fn touched(&self, table: &Table) -> Option<Touched> {
        if self.chain.is_idle() {
            return Some(Touched::default());
        }
        let (index, own) = self.tables.iter().find(|(_, known)| known.is_same(table))?;
        let layout = self.chain.layout(index)?;
        let mut touched = Touched::default();
        for target in self.chain.touched(index)? {
            let (list, name) = match target {
                Target::Column { column, .. } => (&mut touched.columns, name(own, column)),
                Target::Header(header) => {
                    (&mut touched.headers, layout.headers.get(usize::from(header)))
                }
                Target::Created(_) | Target::Topic => continue,
            };
            list.extend(name.filter(|name| !list.contains(name)).map(Arc::clone));
        }
        for image in [Image::Before, Image::After, Image::Key] {
            touched.renamed.extend(renamed(own, layout, image));
        }
        Some(touched)
    }
}

fn name(table: &Table, column: u16) -> Option<&Arc<str>> {
    table.columns.get(usize::from(column)).map(|column| &column.name)
}

fn renamed<'t>(
    table: &'t Table,
    layout: &'t Layout,
    image: Image,
) -> impl Iterator<Item = (Arc<str>, Arc<str>)> + use<'t> {
    table.columns.iter().zip(layout.fates(image)).filter_map(|(column, fate)| match fate {
        Fate::Rename(to) => Some((Arc::clone(&column.name), Arc::clone(to))),
        Fate::Keep | Fate::Remove => None,
    })
}
