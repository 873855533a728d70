"""Checkpoint files with a payload: each maker writes one that would create a marker file if it were run.

`PAYLOADS` is the table, (name, maker); a maker takes the file to write and the marker. No honest part of a file fits
the model that the readers of the test load it into.
"""

import collections
import io
import os
import pickle
import tarfile
import zipfile

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

WEIGHTS = {'decode_head.w': torch.arange(6.0), 'decode_head.n': torch.tensor(3)}


class Call:
    """Pickled as the call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class Marking:
    """A class of the victim's own, whose __setstate__ does harm."""

    def __setstate__(self, state):
        os.system(f'touch {state}')

    def __getstate__(self):
        return self.marker


def touch(marker):
    return Call(os.system, f'touch {marker}')


def run_python(marker):
    return f"open({str(marker)!r}, 'w').close()"


def download(marker):
    return Call(torch.hub.download_url_to_file, f'file://{__file__}', str(marker))


def built(marker):
    value = Marking()
    value.marker = str(marker)
    return value


def checkpoint(**entries):
    return {'state_dict': dict(WEIGHTS), 'meta': {'epoch': 1, 'iter': 1}, **entries}


def holding(payload, place):
    """A maker of a file that has ``payload(marker)`` where ``place`` puts it in a checkpoint."""

    def make(path, marker):
        torch.save(place(payload(marker)), path)

    return make


def with_pickle(content):
    """A maker of a file whose header is ``content(marker, the honest header)``."""

    def make(path, marker):
        torch.save(checkpoint(), path)
        replace_records(path, {'data.pkl': lambda header: content(marker, header)})

    return make


def replace_records(path, changes, rename=lambda name: name, compression=zipfile.ZIP_STORED, extra=()):
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w', compression) as archive:
        for name, content in [*records.items(), *extra]:
            change = changes.get(name.partition('/')[2], lambda content: content)
            archive.writestr(rename(name), change(content))


def in_state(payload):
    return {**checkpoint(), 'state_dict': {**WEIGHTS, 'x': payload}}


def in_meta(payload):
    return checkpoint(meta={'epoch': 1, 'iter': 1, 'lineage': payload})


def in_message_hub(payload):
    return checkpoint(message_hub={'log_scalars': {'loss': payload}, 'runtime_info': {}, 'resumed_keys': {}})


def in_optimizer(payload):
    return checkpoint(optimizer={'state': {0: {'step': payload}}, 'param_groups': []})


def in_ordered_dict(payload):
    return collections.OrderedDict(nested=[collections.OrderedDict(deeper=(payload,))], **WEIGHTS)


def as_key(payload):
    return {payload: 1, **WEIGHTS}


def text(value):
    encoded = str(value).encode()
    return b'X' + len(encoded).to_bytes(4, 'little') + encoded


def instance(marker, _):
    return b'\x80\x02(' + text(f'touch {marker}') + b'ios\nsystem\n.'


def object_opcode(marker, _):
    return b'\x80\x02(cos\nsystem\n' + text(f'touch {marker}') + b'o.'


def new_object(marker, _):
    return b'\x80\x02cpathlib\nPosixPath\n' + text(marker) + b'\x85\x81.'


def stack_global(marker, _):
    return b'\x80\x04' + text('os') + text('system') + b'\x93(' + text(f'touch {marker}') + b'tR.'


def extension(marker, _):
    return b'\x80\x02\x82\x01(' + text(marker) + b'tR.'


def getattr_chain(marker, _):
    system = b'cbuiltins\ngetattr\n(' + b'cbuiltins\n__import__\n(' + text('os') + b'tR' + text('system') + b'tR'
    return b'\x80\x02' + system + b'(' + text(f'touch {marker}') + b'tR.'


def array_of_objects(marker):
    return np.array([touch(marker)], dtype=object)


def buffer_with_method(marker):
    """A log buffer that brings a statistic of its own, as MMEngine's may."""
    buffer = HistoryBuffer([1.0], [1])
    buffer._statistics_methods = {'harm': touch(marker)}
    return buffer


def buffer_by_call(marker, _):
    """The class called with arguments that MMEngine's own would evaluate."""
    return b'\x80\x02cmmengine.logging.history_buffer\nHistoryBuffer\n(' + text(f'touch {marker}') + b'tR.'


def getattr_of_buffer(marker, _):
    """The way from a method of the log buffer to the module it stands in."""
    buffer = b'cbuiltins\ngetattr\n(cmmengine.logging.history_buffer\nHistoryBuffer\n' + text('mean') + b'tR'
    return b'\x80\x02cbuiltins\ngetattr\n(' + buffer + text('__globals__') + b'tR.'


def getattr_of_text(marker, _):
    """A text with the name of a class in the place of the class."""
    name = text('mmengine.logging.history_buffer.HistoryBuffer')
    return b'\x80\x02cbuiltins\ngetattr\n(' + name + text('format') + b'tR.'


def state_of_a_function(marker, _):
    """The defaults of a function replaced, which holds for the whole process."""
    return b'\x80\x02c_codecs\nencode\nN}' + text('__module__') + text(marker) + b's\x86b.'


def state_of_a_class(marker, _):
    return b'\x80\x02cnumpy\ndtype\nN}' + text('plain') + text(marker) + b's\x86b.'


def legacy_pickle(path, marker):
    torch.save(in_meta(touch(marker)), path, _use_new_zipfile_serialization=False)


def plain_pickle(path, marker):
    path.write_bytes(pickle.dumps(touch(marker)))


def tar_archive(path, marker):
    with tarfile.open(path, 'w') as archive:
        for name in ('sys_info', 'pickle', 'storages', 'tensors'):
            content = pickle.dumps(touch(marker), protocol=2)
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def two_headers(path, marker):
    torch.save(checkpoint(), path)
    other = pickle.dumps(touch(marker), protocol=2)
    replace_records(path, {}, extra=[('other/data.pkl', other)])


PAYLOADS = [
    ('reduce os.system in the weights', holding(touch, in_state)),
    ('reduce os.system in meta', holding(touch, in_meta)),
    ('reduce os.system in message_hub', holding(touch, in_message_hub)),
    ('reduce os.system in the optimizer', holding(touch, in_optimizer)),
    ('reduce os.system in an OrderedDict', holding(touch, in_ordered_dict)),
    ('reduce os.system as a key', holding(touch, as_key)),
    ('reduce eval', holding(lambda marker: Call(eval, run_python(marker)), in_meta)),
    ('reduce exec', holding(lambda marker: Call(exec, run_python(marker)), in_state)),
    ('reduce open', holding(lambda marker: Call(open, str(marker), 'w'), in_state)),
    ('reduce map', holding(lambda marker: Call(map, exec, (run_python(marker),)), in_state)),
    ('reduce getattr', holding(lambda marker: Call(getattr, str(marker), 'upper'), in_meta)),
    ('reduce torch.load', holding(lambda marker: Call(torch.load, str(marker)), in_meta)),
    ('reduce torch.save', holding(lambda marker: Call(torch.save, 1, str(marker)), in_meta)),
    ('reduce torch.hub', holding(download, in_meta)),
    ('build with __setstate__', holding(built, in_meta)),
    ('opcode INST', with_pickle(instance)),
    ('opcode OBJ', with_pickle(object_opcode)),
    ('opcode NEWOBJ', with_pickle(new_object)),
    ('opcode STACK_GLOBAL', with_pickle(stack_global)),
    ('opcode EXT1', with_pickle(extension)),
    ('chain of getattr', with_pickle(getattr_chain)),
    ('NumPy array of objects', holding(array_of_objects, in_message_hub)),
    ('NumPy array of objects in the weights', holding(array_of_objects, in_state)),
    ('log buffer with a method', holding(buffer_with_method, in_message_hub)),
    ('log buffer by a call', with_pickle(buffer_by_call)),
    ('getattr of the log buffer', with_pickle(getattr_of_buffer)),
    ('getattr of a text', with_pickle(getattr_of_text)),
    ('state of a function', with_pickle(state_of_a_function)),
    ('state of a class', with_pickle(state_of_a_class)),
    ('legacy format', legacy_pickle),
    ('plain pickle', plain_pickle),
    ('legacy tar', tar_archive),
    ('two headers', two_headers),
]
