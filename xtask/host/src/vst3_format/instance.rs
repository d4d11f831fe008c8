//! One instance of a VST3 plugin.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use vst3::Steinberg::Vst::{
    BusInfo_, BusTypes_, IAudioProcessor, IAudioProcessorTrait, IComponent, IComponentHandler,
    IComponentTrait, IConnectionPoint, IConnectionPointTrait, IEditController,
    IEditControllerTrait, IHostApplication, ParameterInfo_, ProcessSetup, SymbolicSampleSizes_,
};
use vst3::Steinberg::{
    FUnknown, IBStream, IPluginBaseTrait, TUID, kNotImplemented, kResultOk, tresult,
};
use vst3::{ComPtr, ComWrapper};

use super::convert::{arrangement_of, direction_of, mode_of};
#[cfg(target_os = "linux")]
use super::editor::OpenView;
use super::loaded::{Loaded, create_object, id_of};
use super::objects::{CalledBack, Handler, HostContext, MemoryStream};
use super::process::{Kept, Vst3Audio, Vst3Main, requests_of};
use super::{audio, int, ok, wide_field, wide_text};
use crate::instance::{AudioSide as _, Instance, RawCall, Sides};
use crate::model::{
    AudioConfig, BusInfo, BusKind, ClassInfo, Direction, Format, Gesture, ParamInfo, RenderMode,
    Requests,
};

/// An initialised instance, terminated and released on drop.
pub(crate) struct Vst3Instance {
    class: ClassInfo,
    #[cfg(target_os = "linux")]
    view: Option<OpenView>,
    gestures: Vec<Gesture>,
    // Released in this order: the component is the object behind the others.
    controller: ComPtr<IEditController>,
    processor: ComPtr<IAudioProcessor>,
    component: ComPtr<IComponent>,
    /// True if the controller is a separate object.
    controller_is_separate: bool,
    handler: ComWrapper<Handler>,
    _context: ComWrapper<HostContext>,
    inactive: Vec<(Direction, usize)>,
    mode: RenderMode,
    rate_hz: f64,
    position_samples: i64,
    pending: Vec<(u32, f64)>,
    /// Ids of the parameters whose edits are sent to the processor.
    sends_on: Vec<u32>,
    /// Last, so that the code stays loaded until all other fields are dropped.
    _loaded: Rc<Loaded>,
}

impl Vst3Instance {
    pub(super) fn create(loaded: Rc<Loaded>, class: &ClassInfo) -> Result<Self> {
        let id = id_of(&class.id)?;
        let component: ComPtr<IComponent> = create_object(&loaded, &id)?;
        let context = ComWrapper::new(HostContext);
        let handler = ComWrapper::new(Handler::default());
        let unknown = context.as_com_ref::<IHostApplication>().context("no host context")?;
        let unknown = unknown.as_ptr().cast::<FUnknown>();
        // SAFETY: a new component; the context outlives it.
        ok(unsafe { component.initialize(unknown) }, "initialize")?;
        let processor = component.cast::<IAudioProcessor>().context("no IAudioProcessor")?;

        let (controller, controller_is_separate) = match component.cast::<IEditController>() {
            Some(controller) => (controller, false),
            None => {
                let mut id: TUID = [0; 16];
                // SAFETY: initialised; the id is writable.
                ok(unsafe { component.getControllerClassId(&raw mut id) }, "getControllerClassId")?;
                let controller: ComPtr<IEditController> = create_object(&loaded, &id)?;
                // SAFETY: a new controller; the context outlives it.
                ok(unsafe { controller.initialize(unknown) }, "controller's initialize")?;
                connect(&component, &controller);
                (controller, true)
            }
        };
        let interface = handler.as_com_ref::<IComponentHandler>().context("no handler")?;
        // SAFETY: initialised; the handler outlives the controller.
        ok(unsafe { controller.setComponentHandler(interface.as_ptr()) }, "setComponentHandler")?;
        handler.call_back_to(Some(CalledBack {
            controller: controller.as_ptr(),
            processor: processor.as_ptr(),
            handler: interface.as_ptr(),
        }));
        let instance = Self {
            class: class.clone(),
            #[cfg(target_os = "linux")]
            view: None,
            gestures: Vec::new(),
            component,
            processor,
            controller,
            controller_is_separate,
            handler,
            _context: context,
            inactive: Vec::new(),
            mode: RenderMode::Realtime,
            rate_hz: 0.0,
            position_samples: 0,
            pending: Vec::new(),
            sends_on: Vec::new(),
            _loaded: loaded,
        };
        if instance.controller_is_separate {
            instance.sync_controller(&instance.save_state()?)?;
        }
        Ok(instance)
    }

    fn sync_controller(&self, state: &[u8]) -> Result<()> {
        let stream = ComWrapper::new(MemoryStream::with_bytes(state));
        let interface = stream.as_com_ref::<IBStream>().context("no stream")?;
        // SAFETY: initialised; the stream outlives the call.
        let result = unsafe { self.controller.setComponentState(interface.as_ptr()) };
        optional(result, "setComponentState")
    }

    fn bus_count(&self, direction: Direction) -> Result<i32> {
        // SAFETY: initialised.
        let count = unsafe { self.component.getBusCount(audio(), direction_of(direction)) };
        ensure!(count >= 0, "the number of buses is {count}");
        Ok(count)
    }

    fn set_processing(&mut self, on: bool) -> Result<()> {
        // SAFETY: active.
        optional(unsafe { self.processor.setProcessing(u8::from(on)) }, "setProcessing")
    }
}

impl Instance for Vst3Instance {
    fn format(&self) -> Format {
        Format::Vst3
    }

    fn class(&self) -> &ClassInfo {
        &self.class
    }

    fn buses(&self, direction: Direction) -> Result<Vec<BusInfo>> {
        (0..self.bus_count(direction)?)
            .map(|index| {
                // SAFETY: plain data, for which zeros are valid; `index` is below the count.
                let (info, result) = unsafe {
                    let mut info = std::mem::zeroed();
                    let result = self.component.getBusInfo(
                        audio(),
                        direction_of(direction),
                        index,
                        &raw mut info,
                    );
                    (info, result)
                };
                ok(result, "getBusInfo")?;
                let is_main = info.busType == int(BusTypes_::kMain);
                Ok(BusInfo {
                    name: wide_text(&info.name),
                    num_channels: usize::try_from(info.channelCount)?,
                    kind: if is_main { BusKind::Main } else { BusKind::Aux },
                    default_active: info.flags
                        & int(BusInfo_::BusFlags_::kDefaultActive).cast_unsigned()
                        != 0,
                })
            })
            .collect()
    }

    fn select_channels(&mut self, inputs: &[usize], outputs: &[usize]) -> Result<()> {
        let mut ins: Vec<_> = inputs.iter().map(|&channels| arrangement_of(channels)).collect();
        let mut outs: Vec<_> = outputs.iter().map(|&channels| arrangement_of(channels)).collect();
        // SAFETY: inactive; both arrays have the given lengths.
        let result = unsafe {
            self.processor.setBusArrangements(
                ins.as_mut_ptr(),
                i32::try_from(ins.len())?,
                outs.as_mut_ptr(),
                i32::try_from(outs.len())?,
            )
        };
        ok(result, "setBusArrangements")
    }

    fn set_bus_active(&mut self, direction: Direction, index: usize, active: bool) -> Result<()> {
        let bus = i32::try_from(index)?;
        // SAFETY: inactive.
        let result = unsafe {
            self.component.activateBus(audio(), direction_of(direction), bus, u8::from(active))
        };
        ok(result, "activateBus")?;
        self.inactive.retain(|bus| *bus != (direction, index));
        if !active {
            self.inactive.push((direction, index));
        }
        Ok(())
    }

    fn params(&self) -> Result<Vec<ParamInfo>> {
        // SAFETY: initialised.
        let count = unsafe { self.controller.getParameterCount() };
        (0..count)
            .map(|index| {
                // SAFETY: plain data, for which zeros are valid; `index` is below the count.
                let (info, result) = unsafe {
                    let mut info = std::mem::zeroed();
                    let result = self.controller.getParameterInfo(index, &raw mut info);
                    (info, result)
                };
                ok(result, "getParameterInfo")?;
                let has = |flag| info.flags & int(flag) != 0;
                Ok(ParamInfo {
                    id: info.id,
                    name: wide_text(&info.title),
                    unit: wide_text(&info.units),
                    min: 0.0,
                    max: 1.0,
                    default: info.defaultNormalizedValue,
                    automatable: has(ParameterInfo_::ParameterFlags_::kCanAutomate),
                    hidden: has(ParameterInfo_::ParameterFlags_::kIsHidden),
                    bypass: has(ParameterInfo_::ParameterFlags_::kIsBypass),
                })
            })
            .collect()
    }

    fn param_value(&self, id: u32) -> Result<f64> {
        // The call cannot report an unknown id.
        ensure!(self.params()?.iter().any(|param| param.id == id), "no parameter {id}");
        // SAFETY: initialised.
        Ok(unsafe { self.controller.getParamNormalized(id) })
    }

    fn param_text(&self, id: u32, value: f64) -> Result<String> {
        let mut text = [0; 128];
        // SAFETY: initialised; space for 128 units.
        let result = unsafe { self.controller.getParamStringByValue(id, value, &raw mut text) };
        ok(result, "getParamStringByValue")?;
        Ok(wide_text(&text))
    }

    fn param_value_of_text(&self, id: u32, text: &str) -> Result<f64> {
        let (mut wide, mut value) = (wide_field(text), 0.0);
        // SAFETY: initialised; a terminated string and a writable value.
        let result =
            unsafe { self.controller.getParamValueByString(id, wide.as_mut_ptr(), &raw mut value) };
        ok(result, "getParamValueByString")?;
        Ok(value)
    }

    fn set_param(&mut self, id: u32, value: f64, _active: bool) -> Result<()> {
        self.param_value(id)?;
        // SAFETY: initialised.
        ok(unsafe { self.controller.setParamNormalized(id, value) }, "setParamNormalized")?;
        self.pending.retain(|(other, _)| *other != id);
        self.pending.push((id, value));
        Ok(())
    }

    fn save_state(&self) -> Result<Vec<u8>> {
        let stream = ComWrapper::new(MemoryStream::default());
        let interface = stream.as_com_ref::<IBStream>().context("no stream")?;
        // SAFETY: initialised; the stream outlives the call.
        ok(unsafe { self.component.getState(interface.as_ptr()) }, "getState")?;
        Ok(stream.bytes())
    }

    fn load_state(&mut self, state: &[u8]) -> Result<()> {
        let stream = ComWrapper::new(MemoryStream::with_bytes(state));
        let interface = stream.as_com_ref::<IBStream>().context("no stream")?;
        // SAFETY: initialised; the stream outlives the call.
        ok(unsafe { self.component.setState(interface.as_ptr()) }, "setState")?;
        self.pending.clear();
        self.sync_controller(state)
    }

    fn latency_samples(&self) -> Result<usize> {
        // SAFETY: initialised.
        Ok(unsafe { self.processor.getLatencySamples() } as usize)
    }

    fn activate(&mut self, config: &AudioConfig) -> Result<Option<usize>> {
        for direction in [Direction::Input, Direction::Output] {
            for index in 0..self.bus_count(direction)? {
                let active = !self.inactive.contains(&(direction, usize::try_from(index)?));
                // SAFETY: inactive; `index` is below the count.
                let result = unsafe {
                    self.component.activateBus(
                        audio(),
                        direction_of(direction),
                        index,
                        u8::from(active),
                    )
                };
                ok(result, "activateBus")?;
            }
        }
        let mut setup = ProcessSetup {
            processMode: mode_of(config.mode),
            symbolicSampleSize: int(SymbolicSampleSizes_::kSample32),
            maxSamplesPerBlock: i32::try_from(config.max_block_samples)?,
            sampleRate: config.rate_hz,
        };
        // SAFETY: inactive; the setup outlives the call.
        ok(unsafe { self.processor.setupProcessing(&raw mut setup) }, "setupProcessing")?;
        let set_up_samples = self.latency_samples()?;
        // SAFETY: set up.
        ok(unsafe { self.component.setActive(1) }, "setActive(true)")?;
        self.set_processing(true)?;
        self.mode = config.mode;
        self.rate_hz = config.rate_hz;
        self.position_samples = 0;
        Ok(Some(set_up_samples))
    }

    fn deactivate(&mut self) -> Result<()> {
        self.set_processing(false)?;
        // SAFETY: not processing.
        ok(unsafe { self.component.setActive(0) }, "setActive(false)")
    }

    fn reset(&mut self) -> Result<()> {
        // Hosts do the same when their transport jumps.
        self.set_processing(false)?;
        self.set_processing(true)
    }

    fn process(&mut self, call: &mut RawCall) -> Result<Duration> {
        let (mode, rate_hz) = (self.mode, self.rate_hz);
        let kept = Kept { position: &mut self.position_samples, pending: &mut self.pending };
        Vst3Audio { processor: &self.processor, mode, rate_hz, kept }.process(call)
    }

    fn split(&mut self) -> Result<Sides<'_>> {
        let Self { processor, handler, .. } = self;
        let (mode, rate_hz) = (self.mode, self.rate_hz);
        let kept = Kept { position: &mut self.position_samples, pending: &mut self.pending };
        let audio = Vst3Audio { processor: &*processor, mode, rate_hz, kept };
        Ok((Box::new(Vst3Main { handler: &*handler }), Box::new(audio)))
    }

    fn idle(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(view) = &self.view {
            view.idle();
        }
        // A host sends edits of the editor to the processor with the next block; some hosts send
        // only edits of parameters that can be automated.
        for gesture in self.handler.take_gestures() {
            if let Gesture::Value(id, value) = gesture
                && self.sends_on.contains(&id)
            {
                self.pending.retain(|(other, _)| *other != id);
                self.pending.push((id, value));
            }
            self.gestures.push(gesture);
        }
    }

    #[cfg(target_os = "linux")]
    fn open_editor(&mut self, window: u32, scale: Option<f64>) -> Result<[u32; 2]> {
        ensure!(self.view.is_none(), "the editor is already open");
        let automatable = self.params()?.into_iter().filter(|param| param.automatable);
        self.sends_on = automatable.map(|param| param.id).collect();
        let (view, size) = OpenView::open(&self.controller, window, scale)?;
        self.view = Some(view);
        Ok(size)
    }

    #[cfg(target_os = "linux")]
    fn resize_editor(&mut self, size: [u32; 2]) -> Result<[u32; 2]> {
        self.view.as_ref().context("the editor is not open")?.resize(size)
    }

    #[cfg(target_os = "linux")]
    fn force_editor_size(&mut self, size: [u32; 2]) -> Result<bool> {
        self.view.as_ref().context("the editor is not open")?.force_size(size)
    }

    #[cfg(target_os = "linux")]
    fn close_editor(&mut self) -> Result<()> {
        self.view.take().context("the editor is not open")?.close()?;
        ensure!(!self.handler.was_called_elsewhere(), "the host was called on another thread");
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn take_wanted_size(&mut self) -> Option<[u32; 2]> {
        self.view.as_ref()?.take_wanted_size()
    }

    #[cfg(not(target_os = "linux"))]
    fn open_editor(&mut self, _window: u32, _scale: Option<f64>) -> Result<[u32; 2]> {
        anyhow::bail!("editors need X11 windows")
    }

    #[cfg(not(target_os = "linux"))]
    fn resize_editor(&mut self, _size: [u32; 2]) -> Result<[u32; 2]> {
        anyhow::bail!("editors need X11 windows")
    }

    #[cfg(not(target_os = "linux"))]
    fn force_editor_size(&mut self, _size: [u32; 2]) -> Result<bool> {
        anyhow::bail!("editors need X11 windows")
    }

    #[cfg(not(target_os = "linux"))]
    fn close_editor(&mut self) -> Result<()> {
        anyhow::bail!("editors need X11 windows")
    }

    #[cfg(not(target_os = "linux"))]
    fn take_wanted_size(&mut self) -> Option<[u32; 2]> {
        None
    }

    fn take_gestures(&mut self) -> Vec<Gesture> {
        std::mem::take(&mut self.gestures)
    }

    fn take_requests(&mut self) -> Requests {
        requests_of(&self.handler)
    }
}

impl Drop for Vst3Instance {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(view) = self.view.take() {
            // Errors cannot be returned here.
            let _ = view.close();
        }
        self.handler.call_back_to(None);
        // SAFETY: inactive; after `terminate` only drop releases the objects. Errors cannot be
        // returned here.
        unsafe {
            let _ = self.controller.setComponentHandler(std::ptr::null_mut());
            if self.controller_is_separate {
                let _ = self.controller.terminate();
            }
            let _ = self.component.terminate();
        }
    }
}

/// Connects component and controller if both support it.
fn connect(component: &ComPtr<IComponent>, controller: &ComPtr<IEditController>) {
    let ends = (component.cast::<IConnectionPoint>(), controller.cast::<IConnectionPoint>());
    if let (Some(component), Some(controller)) = ends {
        // SAFETY: both are initialised and live equally long. Refusing is allowed.
        unsafe {
            let _ = component.connect(controller.as_ptr());
            let _ = controller.connect(component.as_ptr());
        }
    }
}

/// Turns a result code into an error, but accepts "not implemented".
fn optional(result: tresult, call: &str) -> Result<()> {
    if result == kNotImplemented || result == kResultOk { Ok(()) } else { ok(result, call) }
}
