//! Tables. A table that is too wide scrolls sideways, also by keyboard.

use super::escape::escape;
use super::formulas;

/// The content of a table cell.
#[derive(Debug)]
pub enum Cell {
    Text(String),
    Number(String),
    /// HTML markup.
    Html(String),
}

/// A table; every row's first cell is its heading.
#[derive(Debug)]
pub struct Table<'a> {
    pub id: &'a str,
    pub caption: &'a str,
    pub columns: &'a [&'a str],
    pub rows: Vec<Vec<Cell>>,
}

impl Table<'_> {
    pub fn html(&self) -> String {
        let id = self.id;
        let columns: String = self.columns.iter().enumerate().map(|(at, name)| self.column(at, name)).collect();
        let rows: String = self.rows.iter().map(|cells| row(cells)).collect();
        format!(
            "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"{id}-caption\">\n<table id=\"{id}\">\n\
             <caption id=\"{id}-caption\">{}</caption>\n<thead><tr>{columns}</tr></thead>\n<tbody>\n{rows}</tbody>\n\
             </table>\n</div>\n",
            escape(self.caption)
        )
    }

    /// Returns a column's heading, aligned like its cells, with a link to the formula of its numbers.
    fn column(&self, at: usize, name: &str) -> String {
        let number = self.rows.first().and_then(|row| row.get(at)).is_some_and(|c| matches!(c, Cell::Number(_)));
        let class = if number { " class=\"number\"" } else { "" };
        match formulas::anchor(name) {
            Some(anchor) => format!("<th scope=\"col\"{class}><a href=\"#formula-{anchor}\">{}</a></th>", escape(name)),
            None => format!("<th scope=\"col\"{class}>{}</th>", escape(name)),
        }
    }
}

fn row(cells: &[Cell]) -> String {
    let cell = |(at, cell): (usize, &Cell)| {
        let (tag, scope) = if at == 0 { ("th", " scope=\"row\"") } else { ("td", "") };
        match cell {
            // Names may break after dots.
            Cell::Text(text) => format!("<{tag}{scope}>{}</{tag}>", escape(text).replace('.', ".<wbr>")),
            Cell::Number(text) => format!("<{tag}{scope} class=\"number\">{}</{tag}>", escape(text)),
            Cell::Html(html) => format!("<{tag}{scope}>{html}</{tag}>"),
        }
    };
    format!("<tr>{}</tr>\n", cells.iter().enumerate().map(cell).collect::<String>())
}
