"""Plays raw float32 channels through a VST3 in DawDreamer, a JUCE host that is not ours.

Usage: play_in_dawdreamer.py BUNDLE all|main RATE BLOCK NUM_CHANNELS IN OUT
IN and OUT hold NUM_CHANNELS channels, one after another. Prints the reported latency.
"""

import sys

import dawdreamer
import numpy

bundle, buses, rate, block, num_channels, path_in, path_out = sys.argv[1:]
num_channels = int(num_channels)
engine = dawdreamer.RenderEngine(int(rate), int(block))
plugin = engine.make_plugin_processor("plugin", bundle)
if buses == "all":
    plugin.enable_all_buses()
else:
    plugin.disable_nonmain_buses()
# The counts include disabled buses: their channels go in and come out, past the plugin.
counts = (plugin.get_num_input_channels(), plugin.get_num_output_channels())
if counts != (num_channels, num_channels):
    sys.exit(f"{counts} channels instead of {num_channels}")
audio = numpy.fromfile(path_in, dtype=numpy.float32).reshape(num_channels, -1)
player = engine.make_playback_processor("player", audio)
engine.load_graph([(player, []), (plugin, ["player"])])
engine.render(audio.shape[1] / int(rate))
result = numpy.ascontiguousarray(engine.get_audio(), dtype=numpy.float32)
result.tofile(path_out)
print(plugin.get_latency_samples())
