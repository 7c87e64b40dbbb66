using BenchmarkDotNet.Attributes;
using Cria.Kernels;
using Cria.Tensors;

namespace Cria.Benchmarks;

/// <summary>One matrix product of the 1B shape, in one thread, at every vector width.</summary>
public unsafe class KernelBenchmarks
{
    const int Columns = 2048, Outputs = 512;

    readonly NativeBuffer _weights = new(), _x = new(), _packed = new(), _y = new();
    KernelSet _kernels = KernelSet.Best;

    [Params(512, 256, 128)]
    public int Bits { get; set; }

    [Params(1, 2, 6, 96)]
    public int Rows { get; set; }

    [Params(ElementType.F32, ElementType.F16, ElementType.BF16)]
    public ElementType Type { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _kernels = KernelSet.All.Single(k => k.Bits == Bits);
        new Span<float>(_weights.Reserve(Columns * Outputs), Columns * Outputs).Fill(1);
        new Span<float>(_x.Reserve(Rows * Columns), Rows * Columns).Fill(1);
        _packed.Reserve(Rows * Columns);
        _y.Reserve(Rows * Outputs);
    }

    [Benchmark]
    public void MatrixProduct()
    {
        _kernels.Pack(Type, _x.Reserve(0), Columns, 0, Rows, false, _packed.Reserve(0));
        _kernels.Multiply(Type, (byte*)_weights.Reserve(0), Columns, 0, Outputs, _packed.Reserve(0), 0, Rows, _y.Reserve(0), Outputs);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (var buffer in new[] { _weights, _x, _packed, _y })
            buffer.Dispose();
    }
}
