use burn::tensor::{Device, DeviceType};

use crate::Error;

/// A backend: its name for `--device` and as a cargo feature, and how to list its devices.
struct Backend {
    name: &'static str,
    about: &'static str,
    /// `None` if the backend is not compiled in.
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

// In the order in which `auto` tries them. CUDA is the last for a card, because its float32 products are not exact.
backends! {
    "rocm", Rocm, "AMD GPU, through ROCm";
    "metal", Metal, "Apple GPU, through Metal";
    "vulkan", Vulkan, "GPU, through Vulkan";
    "webgpu", WebGpu, "GPU, through WebGPU";
    "wgpu", Wgpu, "GPU, through any available graphics interface";
    "cuda", Cuda, "NVIDIA GPU, through CUDA";
    "flex", Flex, "CPU, Burn's pure-Rust backend";
    "cpu", Cpu, "CPU, kernels compiled by LLVM";
    "ndarray", NdArray, "CPU, ndarray (deprecated by Burn)";
}

/// The name for the best device that is compiled in and found.
pub const AUTO: &str = "auto";

/// Whether a backend can be used here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendInfo {
    /// The name of its devices and of its cargo feature.
    pub name: &'static str,
    /// A short description.
    pub about: &'static str,
    /// The devices that it finds on this machine, or `None` if it is not compiled in.
    pub found: Option<Vec<DeviceInfo>>,
}

/// A device that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its name for [`device`].
    pub name: String,
    /// The device's own model name, if known.
    pub model: Option<String>,
    /// Whether it is a real graphics card, not a processor that emulates one.
    pub is_card: bool,
    /// Its memory limit in bytes, if known.
    pub memory: Option<u64>,
}

/// The device with a name such as `flex` or `cuda:1`: a backend and an index (0 if absent). `auto` is the best device
/// found.
///
/// # Errors
///
/// - [`Error::UnknownDevice`] if no backend has this name.
/// - [`Error::DeviceNumber`] if the part after the colon is not a number, or has a sign or leading zeros.
/// - [`Error::DeviceNotCompiled`] if the backend's cargo feature is off.
/// - [`Error::DeviceNotFound`] if this machine has no device of this index.
pub fn device(name: &str) -> Result<Device, Error> {
    find(name).map(|(_, device)| device)
}

/// Information on the device with this name.
///
/// # Errors
///
/// Those of [`device`].
pub fn device_info(name: &str) -> Result<DeviceInfo, Error> {
    find(name).map(|(name, device)| info(name, &device))
}

fn find(name: &str) -> Result<(String, Device), Error> {
    let name = resolve_device(name)?;
    let (backend, number) = name.split_once(':').unwrap_or((&name, "0"));
    let found = BACKENDS.iter().find(|it| it.name == backend);
    let backend = found.ok_or_else(|| Error::UnknownDevice {
        name: name.clone(),
        known: [AUTO]
            .into_iter()
            .chain(BACKENDS.iter().map(|backend| backend.name))
            .collect::<Vec<_>>()
            .join(", "),
    })?;
    // A device has only one spelling of its name.
    let index = number.parse().ok();
    let index = index.filter(|index: &usize| index.to_string() == number);
    let index = index.ok_or_else(|| Error::DeviceNumber {
        name: name.clone(),
        backend: backend.name,
    })?;
    let list = backend.devices.ok_or(Error::DeviceNotCompiled {
        backend: backend.name,
    })?;
    let mut devices = list();
    if index >= devices.len() {
        return Err(Error::DeviceNotFound {
            name,
            backend: backend.name,
            found: devices.len(),
        });
    }
    Ok((name, devices.swap_remove(index)))
}

/// The name of the device that `name` means on this machine. `auto` becomes the name of a card if one is found,
/// otherwise that of the first CPU backend. Any other name stays as it is.
///
/// # Errors
///
/// [`Error::NoDevice`] if `auto` finds none.
pub fn resolve_device(name: &str) -> Result<String, Error> {
    if name != AUTO {
        return Ok(name.to_string());
    }
    // No device after the first card is opened.
    let mut found = BACKENDS.iter().filter_map(Backend::found).flatten();
    let mut first_other = None;
    let card = found.find(|device| {
        if !device.is_card && !device.is_stand_in() {
            first_other.get_or_insert_with(|| device.name.clone());
        }
        device.is_card
    });
    card.map(|device| device.name)
        .or(first_other)
        .ok_or(Error::NoDevice)
}

/// Whether a process on this device computes only with its own threads on the CPU. Then several processes at the same
/// time are faster than one after the other.
pub fn keeps_to_its_threads(name: &str) -> bool {
    ["flex", "ndarray"].contains(&backend_of(name))
}

/// Whether the device with this name computes on the CPU, and not through an interface for graphics cards.
pub fn is_cpu(name: &str) -> bool {
    ["flex", "cpu", "ndarray"].contains(&backend_of(name))
}

fn backend_of(device: &str) -> &str {
    device
        .split_once(':')
        .map_or(device, |(backend, _)| backend)
}

/// Every backend that this project knows, compiled in or not, in the order in which `auto` tries them.
pub fn available() -> Vec<BackendInfo> {
    BACKENDS
        .iter()
        .map(|backend| BackendInfo {
            name: backend.name,
            about: backend.about,
            found: backend.found().map(Iterator::collect),
        })
        .collect()
}

/// The names of the backends that are compiled in, in the order in which `auto` tries them. No device is looked for.
pub fn compiled_backends() -> impl Iterator<Item = &'static str> {
    let compiled = BACKENDS.iter().filter(|backend| backend.devices.is_some());
    compiled.map(|backend| backend.name)
}

impl Backend {
    /// Its devices. Each is opened only when the iterator reaches it. `None` if the backend is not compiled in.
    fn found(&self) -> Option<impl Iterator<Item = DeviceInfo>> {
        let devices = self.devices?();
        let is_alone = devices.len() == 1;
        let infos = devices.into_iter().enumerate().map(move |(index, device)| {
            let name = if is_alone {
                self.name.to_string()
            } else {
                format!("{}:{index}", self.name)
            };
            info(name, &device)
        });
        Some(infos)
    }
}

impl DeviceInfo {
    /// Whether it emulates a card on the CPU: correct but slow.
    fn is_stand_in(&self) -> bool {
        !self.is_card && !is_cpu(&self.name)
    }
}

#[cfg(feature = "cube")]
fn info(name: String, device: &Device) -> DeviceInfo {
    use burn::backend::DispatchDevice;

    let memory = match device.as_dispatch() {
        DispatchDevice::Cube(device) => device.client().properties().memory.max_memory(),
        _ => None,
    };
    let identity = device.identity();
    DeviceInfo {
        name,
        is_card: identity
            .as_ref()
            .is_some_and(|identity| identity.physical.is_some()),
        model: identity.map(|identity| identity.name),
        memory,
    }
}

#[cfg(not(feature = "cube"))]
fn info(name: String, _device: &Device) -> DeviceInfo {
    DeviceInfo {
        name,
        model: None,
        is_card: false,
        memory: None,
    }
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
    fn errors_say_which_devices_there_are_or_what_to_do() {
        for (name, message) in [
            (
                "gpu",
                "there is no device \"gpu\"; known names are auto, rocm, metal, vulkan, webgpu, wgpu, cuda, \
                 flex, cpu, ndarray",
            ),
            (
                "flex:x",
                "\"flex:x\" is not a device: after the colon, give a number counted from 0, as in \"flex:0\"",
            ),
            (
                "flex:00",
                "\"flex:00\" is not a device: after the colon, give a number counted from 0, as in \"flex:0\"",
            ),
            (
                "flex:1",
                "\"flex:1\" is not on this machine: flex has 1 device(s), counted from 0; `si devices` lists them",
            ),
        ] {
            let error = device(name).expect_err("there is no such device");
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn error_for_a_backend_without_a_device_says_what_to_do() {
        let error = Error::DeviceNotFound {
            name: "vulkan:0".to_string(),
            backend: "vulkan",
            found: 0,
        };
        assert_eq!(
            error.to_string(),
            "\"vulkan:0\" is not on this machine: vulkan finds no device; install its driver, or choose a device \
             from `si devices`"
        );
    }

    #[test]
    fn every_backend_can_be_used_exactly_if_it_is_compiled_in() {
        for backend in available() {
            match device(backend.name) {
                Ok(_) => assert!(backend.found.is_some_and(|found| !found.is_empty())),
                Err(Error::DeviceNotCompiled { backend: name }) => {
                    assert_eq!((name, backend.found), (backend.name, None));
                }
                Err(Error::DeviceNotFound { found, .. }) => {
                    assert_eq!(backend.found.map(|found| found.len()), Some(found));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn auto_tries_cuda_last_among_the_cards() {
        let names = BACKENDS.iter().map(|backend| backend.name);
        let mut cards = names.take_while(|name| !is_cpu(name)).collect::<Vec<_>>();
        assert_eq!(cards.pop(), Some("cuda"));
        assert!(cards.contains(&"vulkan") && cards.contains(&"wgpu"));
    }

    #[test]
    fn auto_chooses_a_device_that_is_found() {
        let name = resolve_device(AUTO).expect("flex is compiled in");
        assert!(device(&name).is_ok() && device(AUTO).is_ok());
        let mut found = available()
            .into_iter()
            .flat_map(|backend| backend.found)
            .flatten();
        let chosen = found
            .find(|device| device.name == name)
            .expect("it is listed");
        assert!(chosen.is_card || name == "flex");
    }
}
