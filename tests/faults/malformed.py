"""Checkpoint files that are broken, or would take all memory or time; tables and makers as in `payloads`."""

import zipfile

import numpy as np
import torch
from payloads import checkpoint, in_meta, replace_records, text, touch, with_pickle
from torch import nn


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


def numpy_bytes(marker, _):
    """2^44 zero bytes asked for by name."""
    return b'\x80\x02}' + text('w') + b'c__builtin__\nbytes\n\x8a\x06\x00\x00\x00\x00\x00\x10\x85Rs.'


def encoded_by_another_codec(marker, _):
    """Bytes that a codec unpacks: of zip there could be any number."""
    return b'\x80\x02}' + text('w') + b'c_codecs\nencode\n' + text('abc') + text('utf-16') + b'\x86Rs.'


def counted_tuples(marker, _):
    """A Counter that hashes 100,000 nested tuples."""
    return b'\x80\x02ccollections\nCounter\n])' + b'\x85' * 100_000 + b'a\x85R.'


def array(shape, code='f8', count=1):
    """The header of a file with a NumPy array of `count` items of 8 bytes that says that it has another shape."""

    def make(marker, _):
        kind = b'cnumpy\ndtype\n' + text(code) + b'\x89\x88\x87R(K\x03' + text('<') + b'NNN'
        kind += b'J\xff\xff\xff\xff' * 2 + b'K\x00tb'
        made = b'cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85' + text('b') + b'\x87R'
        content = b'c_codecs\nencode\n' + text('\0' * 8 * count) + text('latin1') + b'\x86R'
        state = b'(K\x01J' + shape.to_bytes(4, 'little') + b'\x85' + kind + b'\x89' + content + b'tb'
        return b'\x80\x02}(' + text('w') + made + state + text('epoch') + b'K\x01u.'

    return make


def doubled_arrays(marker, header):
    """One array of 100,000 numbers in a hundred places."""
    once = array(100_000, count=100_000)(marker, header)
    value = once[once.index(b'cnumpy._core') : once.index(text('epoch'))]
    return (
        b'\x80\x02}(' + text('w') + value + b'q\x00' + b''.join(text(str(n)) + b'h\x00' for n in range(100)) + b'u.'
    )


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


MALFORMED = [
    ('TorchScript archive', script_archive),
    ('whole module', whole_module),
    ('record outside', outside),
    ('compressed bomb', bomb),
    ('overlapping records', overlapping_records),
    ('tensor of 2^47 items', with_pickle(huge_tensor)),
    ('bytes of 2^44', with_pickle(huge_bytes)),
    ('key of nested tuples', with_pickle(nested_key)),
    ('lists that double', with_pickle(doubled)),
    ('dict that holds itself', with_pickle(own_loop)),
    ('NumPy bytes of 2^44', with_pickle(numpy_bytes)),
    ('another codec', with_pickle(encoded_by_another_codec)),
    ('Counter of nested tuples', with_pickle(counted_tuples)),
    ('NumPy array larger than its data', with_pickle(array(2**30))),
    ('NumPy array of another type', with_pickle(array(1, 'O8'))),
    ('NumPy records', with_pickle(array(1, 'V8'))),
    ('NumPy array in many places', with_pickle(doubled_arrays)),
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
    ('numpy times', saved(checkpoint(meta={'when': np.array(['2024'], 'datetime64[s]')}))),
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
