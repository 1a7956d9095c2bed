use crate::settings::Normalization;

/// What was loaded from SafeTensors, and what was not.
///
/// A partial file is not an error, so the program decides whether this is what it expected. Names are in the
/// file's layout.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SafeTensorsReport {
    /// Tensors that were loaded, in the module's order.
    pub taken: Vec<String>,
    /// Tensors of consolidated parameters that the file does not have, in the module's order. Without a path integral,
    /// a parameter's task begins now. Without an anchor, the parameter's current value is the anchor. With none of
    /// the three tensors, the parameter keeps its state.
    pub missing: Vec<String>,
    /// Tensors that were ignored, sorted by name: those that are not state of a parameter, and the state of
    /// parameters that are not consolidated (frozen or excluded).
    pub ignored: Vec<String>,
    /// The number of tasks that the file states. The regularizer now has this number.
    pub task: Option<usize>,
    /// The strength with which the state was made. The regularizer keeps its own.
    pub strength: Option<f64>,
    /// The damping with which the state was made. The regularizer keeps its own.
    pub damping: Option<f64>,
    /// The normalization with which the state was made. The regularizer keeps its own, and logs a warning if they differ.
    pub normalization: Option<Normalization>,
}
