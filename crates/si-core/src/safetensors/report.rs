/// What was taken from SafeTensors, and what was not.
///
/// A partial file is none the worse for it, so this is for the program to judge. Names are those of the
/// file's layout.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SafeTensorsReport {
    /// Tensors that were taken, in the module's order.
    pub taken: Vec<String>,
    /// Tensors that a consolidated parameter could have had and the file does not hold, in the module's
    /// order. Without its path integral a parameter's task begins now; without its anchor it is anchored
    /// where it is; without either and without importance it keeps what it has.
    pub missing: Vec<String>,
    /// Tensors that were passed over, by name: those that are no state of a parameter, and the state of
    /// parameters that are not consolidated (frozen or excluded).
    pub ignored: Vec<String>,
    /// The number of tasks that the file states, which the regularizer has now.
    pub task: Option<usize>,
    /// The strength that the state was made with. The regularizer keeps its own.
    pub strength: Option<f64>,
    /// The damping that the state was made with. The regularizer keeps its own.
    pub damping: Option<f64>,
}
