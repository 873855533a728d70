import torch

from mmseg_custom.models.uncompiled import uncompiled


def test_its_operations_are_in_no_compiled_graph():
    graphs = []

    def keep(graph, _inputs):
        graphs.extend(graph.graph.nodes)
        return graph.forward

    def cube(x):
        return x.pow(3)

    sine_of_cube = torch.compile(lambda x: uncompiled_cube(x.sin()).cos(), backend=keep)
    uncompiled_cube = uncompiled(cube)
    x = torch.tensor([0.5, 2.0])
    for _ in range(2):
        assert torch.allclose(sine_of_cube(x), x.sin().pow(3).cos())
    names = {node.target for node in graphs if node.op == 'call_method'}
    assert names == {'sin', 'cos'}
