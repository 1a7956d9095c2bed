use std::collections::BTreeMap;

/// A function of two variables, sampled on the nodes of a grid.
pub(crate) struct Field {
    x: (f64, f64),
    y: (f64, f64),
    /// Nodes per side, at least 2.
    size: usize,
    /// Row by row, upwards; `[size * size]`.
    values: Vec<f64>,
}

/// The points of a closed line.
pub(super) type Outline = Vec<(f64, f64)>;

/// The edge from node (column, row) to its neighbour. They count from −1: a ring of extra nodes
/// around the grid is below every level, so that each outline is closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    column: isize,
    row: isize,
    upwards: bool,
}

impl Field {
    /// The nodes of a `size` × `size` grid (at least 2 × 2) over `x` and `y`, including their ends, row by row.
    pub(crate) fn nodes(x: (f64, f64), y: (f64, f64), size: usize) -> Vec<[f64; 2]> {
        let at = |ends: (f64, f64), index: usize| {
            ends.0 + index as f64 / (size - 1) as f64 * (ends.1 - ends.0)
        };
        (0..size * size)
            .map(|index| [at(x, index % size), at(y, index / size)])
            .collect()
    }

    /// A field with the given values at its [`nodes`](Self::nodes).
    ///
    /// # Panics
    ///
    /// If there is not one value per node.
    pub(crate) fn new(x: (f64, f64), y: (f64, f64), size: usize, values: Vec<f64>) -> Self {
        assert_eq!(values.len(), size * size, "there is one value per node");
        Self { x, y, size, values }
    }

    /// Outlines of the region in which the field is at least `level`, by marching squares. They are linear between
    /// nodes, and closed along the border of the grid.
    pub(super) fn outlines(&self, level: f64) -> Vec<Outline> {
        let mut next = BTreeMap::new();
        let last = self.size as isize;
        for row in -1..last {
            for column in -1..last {
                self.cross_cell(column, row, level, &mut next);
            }
        }
        let mut outlines = Vec::new();
        while let Some((first, mut edge)) = next.pop_first() {
            let mut outline = vec![self.crossing(first, level)];
            while edge != first {
                outline.push(self.crossing(edge, level));
                match next.remove(&edge) {
                    Some(following) => edge = following,
                    None => break,
                }
            }
            outlines.push(outline);
        }
        outlines
    }

    /// Adds the pieces of outline in a cell. Each goes from the edge at which a walk around the cell leaves the region
    /// to the edge at which it returns to the same part of the region.
    fn cross_cell(&self, column: isize, row: isize, level: f64, next: &mut BTreeMap<Edge, Edge>) {
        let corners = [(0, 0), (1, 0), (1, 1), (0, 1)]
            .map(|(right, up)| self.value(column + right, row + up));
        let edges = [(0, 0, false), (1, 0, true), (0, 1, false), (0, 0, true)].map(
            |(right, up, upwards)| Edge {
                column: column + right,
                row: row + up,
                upwards,
            },
        );
        let is_above = |corner: usize| corners[corner % 4] >= level;
        let center_is_above = corners.iter().sum::<f64>() / 4.0 >= level;
        for leaving in (0..4).filter(|corner| is_above(*corner) && !is_above(corner + 1)) {
            // If there are two ways back, the one around the low corner joins the region across the
            // cell.
            let around = |step: usize| (leaving + step) % 4;
            let steps = if center_is_above {
                [1, 2, 3]
            } else {
                [3, 2, 1]
            };
            let back = steps
                .map(around)
                .into_iter()
                .find(|corner| !is_above(*corner) && is_above(corner + 1));
            if let Some(back) = back {
                next.insert(edges[leaving], edges[back]);
            }
        }
    }

    fn value(&self, column: isize, row: isize) -> f64 {
        let inside = 0..self.size as isize;
        if inside.contains(&column) && inside.contains(&row) {
            self.values[row as usize * self.size + column as usize]
        } else {
            f64::NEG_INFINITY
        }
    }

    /// The point on an edge at which the field has the value `level`.
    fn crossing(&self, edge: Edge, level: f64) -> (f64, f64) {
        let from = (edge.column, edge.row);
        let to = if edge.upwards {
            (edge.column, edge.row + 1)
        } else {
            (edge.column + 1, edge.row)
        };
        let (low, high) = (self.value(from.0, from.1), self.value(to.0, to.1));
        let share = match (low.is_finite(), high.is_finite()) {
            (true, true) => (level - low) / (high - low),
            (true, false) => 0.0,
            _ => 1.0,
        };
        let place = |ends: (f64, f64), from: isize, to: isize| {
            let index = from as f64 + share * (to - from) as f64;
            ends.0 + index / (self.size - 1) as f64 * (ends.1 - ends.0)
        };
        (place(self.x, from.0, to.0), place(self.y, from.1, to.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: (f64, f64) = (-2.0, 2.0);

    fn field(size: usize, of: impl Fn(f64, f64) -> f64) -> Field {
        let nodes = Field::nodes(ENDS, ENDS, size);
        let values = nodes.iter().map(|[x, y]| of(*x, *y)).collect();
        Field::new(ENDS, ENDS, size, values)
    }

    /// The area that outlines enclose, holes taken off, by the shoelace formula.
    fn area(outlines: &[Outline]) -> f64 {
        let twice = |outline: &Outline| -> f64 {
            let following = outline.iter().cycle().skip(1);
            outline
                .iter()
                .zip(following)
                .map(|(from, to)| from.0 * to.1 - to.0 * from.1)
                .sum()
        };
        outlines.iter().map(twice).sum::<f64>().abs() / 2.0
    }

    #[test]
    fn a_hill_has_one_round_outline() {
        let outlines = field(81, |x, y| -(x * x + y * y)).outlines(-1.0);
        assert_eq!(outlines.len(), 1);
        for (x, y) in &outlines[0] {
            assert!((x.hypot(*y) - 1.0).abs() < 1e-3, "{x} {y}");
        }
        assert!((area(&outlines) - std::f64::consts::PI).abs() < 1e-2);
    }

    #[test]
    fn a_hollow_is_outlined_by_the_border_and_its_rim() {
        let outlines = field(81, |x, y| x * x + y * y).outlines(1.0);
        assert_eq!(outlines.len(), 2);
        assert!((area(&outlines) - (16.0 - std::f64::consts::PI)).abs() < 1e-2);
    }

    #[test]
    fn a_full_region_is_outlined_by_the_border_and_an_empty_one_by_nothing() {
        let flat = field(3, |_, _| 1.0);
        assert_eq!(area(&flat.outlines(0.5)), 16.0);
        assert!(flat.outlines(1.5).is_empty());
    }

    #[test]
    fn the_value_in_the_middle_decides_at_a_saddle() {
        let saddle = |middle: f64| field(2, move |x, y| x * y + middle);
        assert_eq!(saddle(0.1).outlines(0.0).len(), 1);
        assert_eq!(saddle(-0.1).outlines(0.0).len(), 2);
    }
}
