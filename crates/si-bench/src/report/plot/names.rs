use super::{
    panel::{Frame, NOTE_SIZE},
    svg::{Svg, unit},
    text,
};

/// Draws the names of points, given by their places in the drawing.
///
/// A name is beside its point: to the right, otherwise to the left, above or below. If each of these places covers a point
/// or another name, the name is moved away, and a thin line leads to its point. If there is no room in the frame at all,
/// it is left out; the legend has it too.
pub(super) fn draw_names(svg: &mut Svg, frame: Frame, names: &[((f64, f64), &str)]) {
    let labels = placed(frame, names);
    for label in &labels {
        if let Some(point) = label.moved_from {
            let (from, to) = line_to(point, &label.place);
            svg.line(from, to, &[("stroke", &"#888888"), ("stroke-width", &1.5)]);
        }
    }
    for Label { place, name, .. } in &labels {
        svg.text_element(
            "text",
            &[
                ("x", &unit(place.left)),
                ("y", &unit(place.bottom - 0.25 * HEIGHT)),
                ("font-size", &SIZE),
                ("paint-order", &"stroke"),
                ("stroke", &"#ffffff"),
                ("stroke-width", &5),
                ("stroke-linejoin", &"round"),
            ],
            name,
        );
    }
}

const SIZE: f64 = NOTE_SIZE * 0.85;
/// Height of a name.
const HEIGHT: f64 = SIZE * 1.15;
/// Half the side of the square that a marker covers, with a little space around it.
const MARKER: f64 = 11.0;
/// From a point to a name that is moved away from it, across.
const AWAY: f64 = 2.5 * MARKER;
/// Between a name and its line.
const GAP: f64 = 3.0;
/// Rectangles that overlap by no more than this only touch.
const ROUNDING: f64 = 1e-6;

/// A name at its place.
#[derive(Clone, Debug, PartialEq)]
struct Label<'a> {
    place: Rectangle,
    name: &'a str,
    /// Its point, if it is not beside it.
    moved_from: Option<(f64, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Rectangle {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Rectangle {
    fn of_marker((x, y): (f64, f64)) -> Self {
        Self {
            left: x - MARKER,
            right: x + MARKER,
            top: y - MARKER,
            bottom: y + MARKER,
        }
    }

    fn of_name(left: f64, top: f64, width: f64) -> Self {
        Self {
            left,
            right: left + width,
            top,
            bottom: top + HEIGHT,
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.left + ROUNDING < other.right
            && other.left + ROUNDING < self.right
            && self.top + ROUNDING < other.bottom
            && other.top + ROUNDING < self.bottom
    }

    fn is_inside(&self, frame: Frame) -> bool {
        self.left >= frame.left
            && self.right <= frame.left + frame.width
            && self.top >= frame.top
            && self.bottom <= frame.top + frame.height
    }

    fn is_free(&self, taken: &[Self]) -> bool {
        !taken.iter().any(|other| self.overlaps(other))
    }

    /// That of a name, moved to right below `other`.
    fn below(self, other: &Self) -> Self {
        Self {
            top: other.bottom,
            bottom: other.bottom + HEIGHT,
            ..self
        }
    }

    /// That of a name, moved to right above `other`.
    fn above(self, other: &Self) -> Self {
        Self {
            top: other.top - HEIGHT,
            bottom: other.top,
            ..self
        }
    }

    /// Pushes a name past all that it covers, in one direction.
    fn pushed(self, taken: &[Self], past: fn(Self, &Self) -> Self) -> Self {
        let mut place = self;
        while let Some(covered) = taken.iter().find(|other| place.overlaps(other)) {
            place = past(place, covered);
        }
        place
    }
}

/// The names that have room, from the highest point to the lowest: first those beside their points, then those that are
/// moved away.
fn placed<'a>(frame: Frame, names: &[((f64, f64), &'a str)]) -> Vec<Label<'a>> {
    let mut taken: Vec<Rectangle> = names
        .iter()
        .map(|(point, _)| Rectangle::of_marker(*point))
        .collect();
    let mut names = names.to_vec();
    names.sort_by(|((_, one), _), ((_, other), _)| one.total_cmp(other));
    let (mut labels, mut without_room) = (Vec::new(), Vec::new());
    for (point, name) in names {
        let mut places = beside(point, name).into_iter();
        match places.find(|it| it.is_inside(frame) && it.is_free(&taken)) {
            Some(place) => {
                taken.push(place);
                labels.push(Label {
                    place,
                    name,
                    moved_from: None,
                });
            }
            None => without_room.push((point, name)),
        }
    }
    for (point, name) in without_room {
        if let Some(place) = away(frame, &taken, point, name) {
            taken.push(place);
            labels.push(Label {
                place,
                name,
                moved_from: Some(point),
            });
        }
    }
    labels
}

/// The places right beside a point, the best first.
fn beside((x, y): (f64, f64), name: &str) -> [Rectangle; 4] {
    let width = text::width(name, SIZE);
    let middle = y - HEIGHT / 2.0;
    [
        (x + MARKER, middle),
        (x - MARKER - width, middle),
        (x - width / 2.0, y - MARKER - HEIGHT),
        (x - width / 2.0, y + MARKER),
    ]
    .map(|(left, top)| Rectangle::of_name(left, top, width))
}

/// A free place at some distance from a point, to the right or to the left, whichever is nearer: on its height or below,
/// otherwise above.
fn away(frame: Frame, taken: &[Rectangle], (x, y): (f64, f64), name: &str) -> Option<Rectangle> {
    let width = text::width(name, SIZE);
    let top = y - HEIGHT / 2.0;
    let in_column = |left: f64| {
        let start = Rectangle::of_name(left, top, width);
        let mut places = [Rectangle::below, Rectangle::above]
            .map(|past| start.pushed(taken, past))
            .into_iter();
        places.find(|place| place.is_inside(frame))
    };
    let places = [x + AWAY, x - AWAY - width]
        .into_iter()
        .filter_map(in_column);
    let shift = |place: &Rectangle| (place.top - top).abs();
    places.min_by(|one, other| shift(one).total_cmp(&shift(other)))
}

/// The ends of the line from a point to its name: at the marker, and at the side of the name.
fn line_to((x, y): (f64, f64), place: &Rectangle) -> ((f64, f64), (f64, f64)) {
    let side = if place.left > x {
        place.left - GAP
    } else {
        place.right + GAP
    };
    let middle = (place.top + place.bottom) / 2.0;
    let (across, down) = (side - x, middle - y);
    let share = MARKER / across.hypot(down);
    ((x + share * across, y + share * down), (side, middle))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame {
        left: 0.0,
        top: 0.0,
        width: 400.0,
        height: 300.0,
    };

    #[test]
    fn a_name_is_to_the_right_unless_the_frame_ends_there() {
        let side = |x: f64| {
            let names = [((x, 150.0), "name")];
            let [Label { place, .. }] = placed(FRAME, &names)[..] else {
                panic!("there is room");
            };
            place.left > x
        };
        assert!(side(100.0));
        assert!(!side(390.0));
    }

    /// Checks that every name is in the frame and covers neither a point nor another name.
    fn assert_apart(labels: &[Label], points: impl Iterator<Item = (f64, f64)>) {
        let mut taken: Vec<Rectangle> = points.map(Rectangle::of_marker).collect();
        for label in labels {
            assert!(label.place.is_inside(FRAME), "{label:?}");
            assert!(label.place.is_free(&taken), "{label:?}");
            taken.push(label.place);
        }
    }

    #[test]
    fn names_do_not_cover_each_other_and_those_without_room_are_left_out() {
        for (num_names, num_placed) in [(20, 20), (60, 22)] {
            let names: Vec<((f64, f64), &str)> = (0..num_names)
                .map(|index| {
                    let share = f64::from(index) / f64::from(num_names);
                    ((200.0 + 20.0 * share, 150.0), "a long name")
                })
                .collect();
            let labels = placed(FRAME, &names);
            assert_eq!(labels.len(), num_placed);
            assert_apart(&labels, names.iter().map(|(point, _)| *point));
        }
    }

    #[test]
    fn names_of_points_in_one_place_are_moved_apart_and_joined_to_it_by_lines() {
        let point = (200.0, 150.0);
        let names = [(point, "name"); 6];
        let labels = placed(FRAME, &names);
        assert_apart(&labels, [point].into_iter());
        let moved: Vec<_> = labels.iter().map(|label| label.moved_from).collect();
        let far = Some(point);
        assert_eq!(moved, [None, None, far, far, far, far]);

        let mut svg = Svg::new(FRAME.width, FRAME.height, "", "");
        draw_names(&mut svg, FRAME, &names);
        let text = svg.finish();
        assert_eq!(text.matches(">name</text>").count(), 6);
        assert_eq!(text.matches("<line").count(), 4);
    }

    #[test]
    fn names_that_are_moved_stand_in_the_order_of_their_points_whatever_the_order_given() {
        const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let names: Vec<((f64, f64), &str)> = (0..9_u8)
            .map(|index| {
                let y = 100.0 + 2.0 * f64::from(index);
                ((200.0, y), NAMES[usize::from(index)])
            })
            .collect();
        let labels = placed(FRAME, &names);
        assert_eq!(labels.len(), 9);
        assert_apart(&labels, names.iter().map(|(point, _)| *point));
        for is_right in [true, false] {
            let moved = labels.iter().filter(|label| {
                let is_moved = label.moved_from.is_some();
                is_moved && (label.place.left > 200.0) == is_right
            });
            let mut moved: Vec<&Label> = moved.collect();
            moved.sort_by(|one, other| one.place.top.total_cmp(&other.place.top));
            assert!(moved.len() > 1, "{moved:?}");
            assert!(moved.is_sorted_by_key(|label| label.name), "{moved:?}");
        }
        let reversed: Vec<_> = names.iter().rev().copied().collect();
        assert_eq!(placed(FRAME, &reversed), labels);
    }

    #[test]
    fn a_name_is_moved_up_if_the_frame_ends_below() {
        let names = [((200.0, 290.0), "name"); 8];
        let labels = placed(FRAME, &names);
        assert_eq!(labels.len(), 8);
        assert_apart(&labels, [names[0].0].into_iter());
    }

    #[test]
    fn a_line_begins_at_the_marker_and_ends_at_the_nearer_side_of_the_name() {
        let top = 40.0 - HEIGHT / 2.0;
        let right = Rectangle::of_name(30.0 + GAP, top, 100.0);
        let left = Rectangle::of_name(-130.0 - GAP, top, 100.0);
        for (place, sign) in [(right, 1.0), (left, -1.0)] {
            let (from, to) = line_to((0.0, 0.0), &place);
            let is_near = |one: f64, other: f64| (one - other).abs() < 1e-9;
            assert!(is_near(from.0, sign * 0.6 * MARKER) && is_near(from.1, 0.8 * MARKER));
            assert!(is_near(to.0, sign * 30.0) && is_near(to.1, 40.0));
        }
    }
}
