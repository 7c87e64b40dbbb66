using Cria.Formats;
using Cria.Kernels;

namespace Cria.Models;

/// <summary>The activations of a pass, in memory that is used again by the next.</summary>
sealed class Activations : IDisposable
{
    readonly NativeBuffer _h = new(), _x = new(), _q = new(), _k = new(), _v = new(), _a = new(), _gate = new(), _up = new(), _seeing = new();

    /// <summary>Room for <paramref name="rows"/> rows: residual stream and block input [D], queries, keys, values, heads, gate and up.</summary>
    public (Matrix H, Matrix X, Matrix Q, Matrix K, Matrix V, Matrix A, Matrix Gate, Matrix Up) Reserve(int rows, ModelConfig config)
    {
        var (queries, keys) = (config.HeadCount * config.HeadSize, config.KvHeadCount * config.HeadSize);
        return (_h.Reserve(rows, config.HiddenSize), _x.Reserve(rows, config.HiddenSize),
            _q.Reserve(rows, queries), _k.Reserve(rows, keys), _v.Reserve(rows, keys), _a.Reserve(rows, queries),
            _gate.Reserve(rows, config.FeedForwardSize), _up.Reserve(rows, config.FeedForwardSize));
    }

    /// <summary>Room for those of the rows that see an image, beside the residual stream of all; the other memory is the same.</summary>
    public (Matrix H, Matrix X, Matrix Q, Matrix A, Matrix Gate, Matrix Up) ReserveSeeing(int rows, ModelConfig config) =>
        (_seeing.Reserve(rows, config.HiddenSize), _x.Reserve(rows, config.HiddenSize), _q.Reserve(rows, config.HeadCount * config.HeadSize),
            _a.Reserve(rows, config.HeadCount * config.HeadSize), _gate.Reserve(rows, config.FeedForwardSize), _up.Reserve(rows, config.FeedForwardSize));

    public void Dispose()
    {
        foreach (var buffer in new[] { _h, _x, _q, _k, _v, _a, _gate, _up, _seeing })
            buffer.Dispose();
    }
}
