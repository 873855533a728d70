"""Checkpoint files that are hostile or broken: each maker writes one, whose payload would create a marker file.

`HOSTILE` and `UNUSABLE` are the tables, (name, maker); a maker takes the file to write and the marker that its
payload would create. No honest part of a file fits the model that the readers of the test load it into.
"""

import collections
import io
import os
import pickle
import tarfile
import zipfile

import numpy as np
import torch
from torch import nn

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


def huge_tensor(marker, _):
    return b'\x80\x02}' + text('state_dict') + b'}' + text('w') + b'ctorch\nTensor\n(J\xff\xff\xff\x7fM\xff\xfftRss.'


def huge_bytes(marker, _):
    return b'\x80\x02}' + text('w') + b'cbuiltins\nbytearray\n(\x8a\x06\x00\x00\x00\x00\x00\x10tRs.'


def nested_key(marker, _):
    """A dict key of 100,000 nested tuples: to hash it overflows the C stack."""
    return b'\x80\x02})' + b'\x85' * 100_000 + b'K\x01s.'


def doubled(marker, _):
    """Forty lists, each holding the one before twice: to walk through it takes for ever."""
    steps = b''.join(b']q%c(h%ch%ce' % (n + 1, n, n) for n in range(40))
    return b'\x80\x02}' + text('state_dict') + b']q\x00' + steps + b's.'


def own_loop(marker, _):
    return b'\x80\x02}q\x00' + text('state_dict') + b'h\x00s.'


def huge_header(marker, header):
    return header[:-1] + b'0' * 9_000_000 + b'.'


def many_entries(marker, header):
    return b'\x80\x02}' + text('a') + b'](' + b'}' * 400_000 + b'es.'


def more_data_than_there_is(marker, header):
    return header.replace(b'K\x06tq', b'M\x00\x60tq', 1)


def larger_than_its_data(marker, header):
    return header.replace(b'K\x06\x85', b'M\x00\x60\x85', 1)


def shadowed_methods(marker, header):
    """A state dict whose `items` and `get` are numbers."""
    named = b'}(' + text('items') + b'K\x01' + text('get') + b'K\x01u'
    return b'\x80\x02ccollections\nOrderedDict\n)R' + named + b'b.'


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


def script_archive(path, marker):
    torch.jit.script(nn.Linear(2, 2)).save(str(path))


def whole_module(path, marker):
    torch.save(nn.Linear(2, 2), path)


def bomb(path, marker):
    torch.save({'state_dict': {'w': torch.zeros(4_000_000)}}, path)
    replace_records(path, {}, compression=zipfile.ZIP_DEFLATED)


def overlapping_records(path, marker):
    """A thousand directory entries of one record."""
    torch.save({'state_dict': {'w': torch.zeros(1000)}}, path)
    with zipfile.ZipFile(path, 'a') as archive:
        first = archive.getinfo(f'{path.stem}/data/0')
        for number in range(1000):
            copy = zipfile.ZipInfo(f'archive/data/{number + 1}')
            copy.header_offset, copy.CRC = first.header_offset, first.CRC
            copy.file_size = copy.compress_size = first.file_size
            archive.filelist.append(copy)
            archive.NameToInfo[copy.filename] = copy
        archive._didModify = True


def outside(path, marker):
    torch.save(checkpoint(), path)
    replace_records(path, {}, extra=[(f'../{marker.name}', b'x'), (str(marker), b'x')])


def two_headers(path, marker):
    torch.save(checkpoint(), path)
    other = pickle.dumps(touch(marker), protocol=2)
    replace_records(path, {}, extra=[('other/data.pkl', other)])


def truncated(path, marker):
    torch.save(checkpoint(), path)
    path.write_bytes(path.read_bytes()[:-40])


def flipped(path, marker):
    torch.save(checkpoint(state_dict={'w': torch.zeros(1000)}), path)
    content = bytearray(path.read_bytes())
    content[content.find(bytes(64)) + 32] ^= 1
    path.write_bytes(content)


def empty(path, marker):
    path.touch()


def folder(path, marker):
    path.mkdir()


def loop(path, marker):
    path.symlink_to(path)


def unreadable(path, marker):
    torch.save(in_meta(touch(marker)), path)
    path.chmod(0)


def written(content):
    return lambda path, marker: path.write_bytes(content)


def saved(value):
    return lambda path, marker: torch.save(value, path)


def only(value):
    return saved({'state_dict': {'decode_head.w': value}})


HOSTILE = [
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
    (
        'reduce torch.hub',
        holding(lambda marker: Call(torch.hub.download_url_to_file, f'file://{__file__}', str(marker)), in_meta),
    ),
    ('build with __setstate__', holding(built, in_meta)),
    ('opcode INST', with_pickle(instance)),
    ('opcode OBJ', with_pickle(object_opcode)),
    ('opcode NEWOBJ', with_pickle(new_object)),
    ('opcode STACK_GLOBAL', with_pickle(stack_global)),
    ('opcode EXT1', with_pickle(extension)),
    ('chain of getattr', with_pickle(getattr_chain)),
    ('legacy format', legacy_pickle),
    ('plain pickle', plain_pickle),
    ('legacy tar', tar_archive),
    ('TorchScript archive', script_archive),
    ('whole module', whole_module),
    ('two headers', two_headers),
    ('record outside', outside),
    ('compressed bomb', bomb),
    ('overlapping records', overlapping_records),
    ('tensor of 2^47 items', with_pickle(huge_tensor)),
    ('bytes of 2^44', with_pickle(huge_bytes)),
    ('key of nested tuples', with_pickle(nested_key)),
    ('lists that double', with_pickle(doubled)),
    ('dict that holds itself', with_pickle(own_loop)),
    ('header of 9 MB', with_pickle(huge_header)),
    ('400,000 entries', with_pickle(many_entries)),
    ('data that are not there', with_pickle(more_data_than_there_is)),
    ('shape larger than the data', with_pickle(larger_than_its_data)),
    ('one item expanded', only(torch.zeros(1).expand(2**40))),
    ('methods shadowed', with_pickle(shadowed_methods)),
    ('truncated', truncated),
    ('flipped bit', flipped),
    ('empty', empty),
    ('folder', folder),
    ('link to itself', loop),
    ('unreadable', unreadable),
    ('text', written(b'import os\n' * 100)),
    ('safetensors', written((2).to_bytes(8, 'little') + b'{}')),
    ('complex', only(torch.zeros(6, dtype=torch.complex64))),
    ('numpy array', only(np.zeros(6))),
    ('meta is a list', saved({**checkpoint(), 'meta': [1]})),
    ('a list', saved([1, 2])),
]

# Loadable, but no weights to train, score or average.
UNUSABLE = [
    ('integers', only(torch.arange(6))),
    ('objects', only([1.0, 2.0])),
    ('NaN', only(torch.tensor([1.0, float('nan')]))),
    ('infinite', only(torch.tensor([1.0, float('-inf')]))),
    ('no weights', saved({'state_dict': {}, 'meta': {}})),
]
