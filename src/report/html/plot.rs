//! Plots as inline SVG. Horizontal positions are percentages and vertical ones pixels, so a plot fills the available width
//! while its text keeps its size.

use super::axis::Axis;
use super::escape::escape;
use crate::report::number::fixed;

/// The area for the data: left and right in percent of the width, top and bottom in pixels from the top.
#[derive(Debug, Clone, Copy)]
pub struct Area {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    /// Height of the whole plot.
    pub height: f64,
}

impl Area {
    /// Converts 0 (left) to 1 (right) into a horizontal position in percent.
    pub fn x(&self, share: f64) -> f64 {
        self.left + share * (self.right - self.left)
    }

    /// Converts 0 (bottom) to 1 (top) into a vertical position in pixels.
    pub fn y(&self, share: f64) -> f64 {
        self.bottom - share * (self.bottom - self.top)
    }

    /// Returns the horizontal middle, in percent, of category `at` of `count`.
    pub fn middle(&self, at: usize, count: usize) -> f64 {
        self.x((at as f64 + 0.5) / count as f64)
    }

    /// Draws a horizontal line per tick, with its number on the left.
    pub fn grid(&self, axis: &Axis) -> String {
        let line = |&tick: &f64| self.grid_line(self.y(axis.place(tick)), &fixed(tick, axis.decimals));
        axis.ticks.iter().map(line).collect()
    }

    /// Draws a horizontal line at `y`, with a label on the left.
    pub fn grid_line(&self, y: f64, label: &str) -> String {
        line([self.left, self.right], [y, y], "grid") + &text([self.left, y], [-6, 4], "end", &escape(label))
    }
}

/// Returns a drawing that a screen reader announces as one image.
pub fn svg(id: &str, title: &str, description: &str, height: f64, content: &str) -> String {
    format!(
        "<svg class=\"plot\" width=\"100%\" height=\"{height:.0}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
         <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>{content}</svg>\n",
        escape(title),
        escape(description)
    )
}

/// Draws a line; `x` is in percent, `y` in pixels.
pub fn line(x: [f64; 2], y: [f64; 2], class: &str) -> String {
    format!("<line class=\"{class}\" x1=\"{:.2}%\" y1=\"{:.1}\" x2=\"{:.2}%\" y2=\"{:.1}\"/>", x[0], y[0], x[1], y[1])
}

/// Draws a dot with a tooltip.
pub fn dot([x, y]: [f64; 2], radius: f64, class: &str, tip: &str) -> String {
    format!(
        "<circle class=\"{class}\" cx=\"{x:.2}%\" cy=\"{y:.1}\" r=\"{radius}\"><title>{}</title></circle>",
        escape(tip)
    )
}

/// Draws text `[dx, dy]` pixels off a position. The caller escapes `content`.
pub fn text([x, y]: [f64; 2], [dx, dy]: [i32; 2], anchor: &str, content: &str) -> String {
    format!("<text x=\"{x:.2}%\" y=\"{y:.1}\" dx=\"{dx}\" dy=\"{dy}\" text-anchor=\"{anchor}\">{content}</text>")
}

/// Whether category `at` of `count` has a label if about `room` labels fit: the first, the last, and some between.
pub fn labelled(at: usize, count: usize, room: usize) -> bool {
    let step = count.div_ceil(room).max(1);
    at + 1 == count || (at.is_multiple_of(step) && at + step < count) || at == 0
}
