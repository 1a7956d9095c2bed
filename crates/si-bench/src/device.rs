use burn::tensor::{Device, DeviceType};

use crate::Error;

/// A backend: what `--device` and the cargo feature call it, and how its devices are listed.
struct Backend {
    name: &'static str,
    about: &'static str,
    /// Absent where the backend is not compiled in.
    devices: Option<fn() -> Vec<Device>>,
}

/// One line per backend: feature, Burn's type of device, description.
macro_rules! backends {
    ($($name:literal, $kind:ident, $about:literal;)*) => {
        const BACKENDS: &[Backend] = &[$(Backend {
            name: $name,
            about: $about,
            #[cfg(feature = $name)]
            devices: Some(|| Device::enumerate(DeviceType::$kind).into_iter().collect()),
            #[cfg(not(feature = $name))]
            devices: None,
        }),*];
    };
}

backends! {
    "flex", Flex, "CPU, Burn's pure-Rust backend";
    "ndarray", NdArray, "CPU, ndarray (deprecated by Burn)";
}

/// Whether a backend can be used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackendInfo {
    /// The name of its devices and of its cargo feature.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// How many devices it finds on this machine, or `None` if it is not compiled in.
    pub found: Option<usize>,
}

/// The device of a name such as `flex` or `cuda:1`: a backend, and an index that is 0 if absent.
///
/// # Errors
///
/// - [`Error::UnknownDevice`] if no backend has this name, or the index is not a number.
/// - [`Error::DeviceNotCompiled`] if the backend's cargo feature is off.
/// - [`Error::DeviceNotFound`] if this machine has no device of this index.
pub fn device(name: &str) -> Result<Device, Error> {
    let (backend, index) = match name.split_once(':') {
        Some((backend, index)) => (backend, index.parse().ok()),
        None => (name, Some(0)),
    };
    let found = BACKENDS
        .iter()
        .find(|candidate| candidate.name == backend)
        .zip(index);
    let (backend, index): (&Backend, usize) = found.ok_or_else(|| Error::UnknownDevice {
        name: name.to_string(),
        known: BACKENDS
            .iter()
            .map(|backend| backend.name)
            .collect::<Vec<_>>()
            .join(", "),
    })?;
    let list = backend.devices.ok_or(Error::DeviceNotCompiled {
        backend: backend.name,
    })?;
    let mut devices = list();
    if index >= devices.len() {
        return Err(Error::DeviceNotFound {
            name: name.to_string(),
            backend: backend.name,
            found: devices.len(),
        });
    }
    Ok(devices.swap_remove(index))
}

/// Every backend that this project knows, compiled in or not.
pub fn available() -> Vec<BackendInfo> {
    BACKENDS
        .iter()
        .map(|backend| BackendInfo {
            name: backend.name,
            about: backend.about,
            found: backend.devices.map(|list| list().len()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flex_is_the_device_of_its_name_and_of_index_0() {
        for name in ["flex", "flex:0"] {
            assert_eq!(device(name).expect("flex is compiled in"), Device::flex());
        }
    }

    #[test]
    fn errors_say_what_there_is_or_what_to_do() {
        for (name, message) in [
            (
                "gpu",
                "no device is called \"gpu\"; there are flex, ndarray",
            ),
            (
                "flex:x",
                "no device is called \"flex:x\"; there are flex, ndarray",
            ),
            (
                "flex:1",
                "\"flex:1\" is not on this machine, where flex has 1 in all, counted from 0",
            ),
        ] {
            let error = device(name).expect_err("there is no such device");
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn every_backend_can_be_used_exactly_if_it_is_compiled_in() {
        for backend in available() {
            match device(backend.name) {
                Ok(_) => assert!(backend.found > Some(0)),
                Err(Error::DeviceNotCompiled { backend: name }) => {
                    assert_eq!((name, backend.found), (backend.name, None));
                }
                Err(Error::DeviceNotFound { found, .. }) => assert_eq!(backend.found, Some(found)),
                Err(error) => panic!("{error}"),
            }
        }
    }
}
