using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Cria.Benchmarks;

/// <summary>
/// The blocks of the vision encoder in libtorch's BF16 with random weights: LayerNorm, attention, LayerNorm, GELU. Without the mask, which
/// blocks a few rows of padding only and would cost libtorch its fast attention.
/// </summary>
sealed class TorchTower(int blocks, int width, int heads, int feedForward) : IDisposable
{
    readonly Block[] _blocks = [.. Enumerable.Range(0, blocks).Select(_ => new Block(width, feedForward))];

    /// <summary>Computes so many rows.</summary>
    public void Run(int rows)
    {
        using var mode = inference_mode();
        using var all = NewDisposeScope();
        var x = randn(1, rows, width, dtype: ScalarType.BFloat16);
        foreach (var block in _blocks)
        {
            using var temporaries = NewDisposeScope();
            var n = F.layer_norm(x, [width], block.Norm, block.Bias);
            var (q, k, v) = (Heads(F.linear(n, block.Query)), Heads(F.linear(n, block.Key)), Heads(F.linear(n, block.Value)));
            var attention = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(1, rows, width);
            x = x + F.linear(attention, block.Output);
            n = F.layer_norm(x, [width], block.Norm, block.Bias);
            x = (x + F.linear(F.gelu(F.linear(n, block.Up, block.UpBias)), block.Down, block.Bias)).MoveToOuterDisposeScope();
        }

        Tensor Heads(Tensor values) => values.view(1, rows, heads, width / heads).transpose(1, 2);
    }

    public void Dispose()
    {
        foreach (var block in _blocks)
            block.Dispose();
    }

    sealed class Block(int width, int feedForward) : IDisposable
    {
        public Tensor Norm { get; } = ones(width, dtype: ScalarType.BFloat16);

        public Tensor Bias { get; } = zeros(width, dtype: ScalarType.BFloat16);

        public Tensor Query { get; } = Matrix(width, width);

        public Tensor Key { get; } = Matrix(width, width);

        public Tensor Value { get; } = Matrix(width, width);

        public Tensor Output { get; } = Matrix(width, width);

        public Tensor Up { get; } = Matrix(feedForward, width);

        public Tensor UpBias { get; } = zeros(feedForward, dtype: ScalarType.BFloat16);

        public Tensor Down { get; } = Matrix(width, feedForward);

        static Tensor Matrix(int rows, int columns) => (randn(rows, columns) * 0.02).to(ScalarType.BFloat16);

        public void Dispose()
        {
            foreach (var tensor in (Tensor[])[Norm, Bias, Query, Key, Value, Output, Up, UpBias, Down])
                tensor.Dispose();
        }
    }
}
