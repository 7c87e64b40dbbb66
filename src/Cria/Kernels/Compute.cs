using Cria.Kernels.Emitted;
using Cria.Kernels.Panels;
using Cria.Tensors;

namespace Cria.Kernels;

/// <summary>
/// The kernels spread over the threads. Work is split by outputs and rows, never inside a sum, so results do not depend on the
/// number of threads. One caller at a time.
/// </summary>
sealed unsafe class Compute(KernelSet kernels, int? threads, bool roundToBF16, bool repack = true) : IDisposable
{
    /// <summary>Weights of one chunk: small enough for the second-level cache, where every tile of activations meets them again; one row
    /// meets them once, and a long stream is the faster.</summary>
    const int ChunkBytes = 256 * 1024, OneRowChunkBytes = 1024 * 1024;

    /// <summary>Multiplications below which a region costs more than it saves.</summary>
    const long SmallWork = 1 << 16;

    readonly NativeBuffer _packed = new();

    public KernelSet Kernels => kernels;

    public WorkerPool Pool { get; } = new(threads);

    /// <summary>Room for the threads' own use within one region.</summary>
    public NativeBuffer Scratch { get; } = new();

    /// <summary>Quantized activations of the product that is computed.</summary>
    public NativeBuffer Activations { get; } = new();

    /// <summary>Room for a low-rank product until it is added.</summary>
    public NativeBuffer LowRank { get; } = new();

    /// <summary>The matrix [out, in] of a tensor in the form whose product is fastest.</summary>
    /// <param name="weight">The tensor.</param>
    /// <param name="rounds">Whether activations may be rounded to BF16 where that is faster for many rows.</param>
    /// <exception cref="CriaException">A weight is not finite.</exception>
    public WeightMatrix CreateMatrix(Tensor weight, bool rounds = false)
    {
        if (weight.Type == ElementType.BF16 && (roundToBF16 || rounds) && kernels.Bits == 512 && BF16Matrix.Supports((int)weight.Shape[1]))
            return new BF16Matrix(weight, this);
        if (weight.Type.BlockLength() == 1)
            return new StoredMatrix(weight, this, copy: repack && weight.IsMapped);
        var (outputs, columns) = ((int)weight.Shape[0], (int)weight.Shape[1]);
        var matrix = new PanelMatrix(PanelFormat.Of(weight.Type), PanelKernels.OfBits(kernels.Bits), weight.Data, weight.Type.Bytes(columns), outputs, columns, this, repack,
            $"{weight.File}: {weight.Name}");
        if (repack)
            weight.Forget();
        return matrix;
    }

    /// <summary>X in the form that the product with weights of a type reads; with BF16 arithmetic it is rounded. Holds until the next call.</summary>
    public float* Pack(ElementType type, Matrix x)
    {
        var packed = _packed.Reserve((long)x.Rows * kernels.PackedColumns(x.Columns));
        ForRows(x.Rows, x.Columns, multipleOf: 6, (first, end) => kernels.Pack(type, x.Data, x.Columns, first, end, roundToBF16, packed));
        return packed;
    }

    /// <summary>Outputs of one chunk of a product, a multiple of 4: whole rows of weights that fit the cache, and enough chunks for all threads.</summary>
    public int ChunkOutputs(Matrix x, int outputs, int rowBytes)
    {
        if (x.Count * outputs <= SmallWork)
            return outputs;
        var cached = (x.Rows == 1 ? OneRowChunkBytes : ChunkBytes) / rowBytes;
        var balanced = (outputs + 4 * Pool.Threads - 1) / (4 * Pool.Threads);
        return (Math.Max(1, Math.Min(cached, balanced)) + 3) & ~3;
    }

    /// <summary>y = x / sqrt(mean(x²) + epsilon) * weight, row by row.</summary>
    public void RmsNorm(Matrix x, float* weight, float epsilon, Matrix y) => ForRows(x.Rows, x.Columns, 1, (first, end) =>
    {
        for (var row = first; row < end; row++)
            kernels.RmsNorm(x[row], weight, x.Columns, epsilon, y[row]);
    });

    /// <summary>y = (x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias, row by row.</summary>
    public void LayerNorm(Matrix x, float* weight, float* bias, float epsilon, Matrix y) => ForRows(x.Rows, x.Columns, 1, (first, end) =>
    {
        for (var row = first; row < end; row++)
            kernels.LayerNorm(x[row], weight, bias, x.Columns, epsilon, y[row]);
    });

    /// <summary>x = gelu(x).</summary>
    public void Gelu(Matrix x) => ForRows(x.Rows, x.Columns, 1, (first, end) => kernels.Gelu(x[first], (end - first) * x.Columns));

    /// <summary>gate = silu(gate) * up.</summary>
    public void SwiGlu(Matrix gate, Matrix up) => ForRows(gate.Rows, gate.Columns, 1, (first, end) =>
    {
        for (var row = first; row < end; row++)
            kernels.SwiGlu(gate[row], up[row], gate.Columns);
    });

    /// <summary>Every row of x by the orthonormal Hadamard matrix.</summary>
    public void Hadamard(Matrix x) => ForRows(x.Rows, x.Columns, 1, (first, end) =>
    {
        for (var row = first; row < end; row++)
            WalshHadamard.Apply(new Span<float>(x[row], x.Columns));
    });

    /// <summary>x += y.</summary>
    public void Add(Matrix x, Matrix y) => ForRows(x.Rows, x.Columns, 1, (first, end) => kernels.Add(x[first], y[first], (end - first) * x.Columns));

    /// <summary>x += y * factor.</summary>
    public void AddScaled(Matrix x, Matrix y, float factor) => ForRows(x.Rows, x.Columns, 1, (first, end) => kernels.AddScaled(x[first], y[first], factor, (end - first) * x.Columns));

    /// <summary>x += bias, row by row.</summary>
    public void AddBias(Matrix x, float* bias) => ForRows(x.Rows, x.Columns, 1, (first, end) =>
    {
        for (var row = first; row < end; row++)
            kernels.Add(x[row], bias, x.Columns);
    });

    /// <summary>
    /// <paramref name="body"/>(first, end) over ranges that cover all rows and begin at multiples of <paramref name="multipleOf"/>, in
    /// several threads where there are enough elements.
    /// </summary>
    public void ForRows(int rows, int columns, int multipleOf, Action<int, int> body)
    {
        var ranges = (int)Math.Min(4 * Pool.Threads, (long)rows * columns * 4 / SmallWork);
        if (ranges <= 1)
        {
            body(0, rows);
            return;
        }
        var size = ((rows + ranges - 1) / ranges + multipleOf - 1) / multipleOf * multipleOf;
        Pool.Run((rows + size - 1) / size, (i, _) => body(i * size, Math.Min(rows, (i + 1) * size)));
    }

    public void Dispose()
    {
        Pool.Dispose();
        _packed.Dispose();
        Scratch.Dispose();
        Activations.Dispose();
        LowRank.Dispose();
    }
}
