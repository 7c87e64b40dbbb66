using Cria.Formats;
using Cria.Kernels;

namespace Cria.Models;

/// <summary>
/// A LoRA adapter (Hu et al. 2021; DoRA, Liu et al. 2024) beside the weights of one <see cref="TextModel"/>, which stay as they are: any number
/// of adapters share them, and each <see cref="Sequence"/> has one or none. Thread-safe. Its memory goes back when it is disposed and no
/// sequence uses it any more.
/// </summary>
public sealed class Adapter : IDisposable
{
    readonly PeftAdapter _files;
    readonly Compute _compute;
    readonly Dictionary<(TensorRole Role, int Layer), MatrixChange> _matrices = [];
    readonly Dictionary<(TensorRole Role, int Layer), RmsNorm> _norms = [];
    readonly bool _changesImages;
    readonly Lock _gate = new();
    int _users;
    bool _disposed;

    internal Adapter(string path, Checkpoint checkpoint, Compute compute)
    {
        (Path, _compute, _files) = (path, compute, PeftAdapter.Open(path, checkpoint.Config));
        try
        {
            foreach (var module in _files.Modules)
            {
                var key = (module.Role, module.Layer);
                _changesImages |= TensorRoles.IsOfImages(module.Role);
                if (module.Role == TensorRole.Embedding)
                    Embedding = new EmbeddingChange(module);
                else if (module is { Role: TensorRole.AttentionNorm or TensorRole.FeedForwardNorm or TensorRole.FinalNorm, Weight: { } weight })
                    _norms.Add(key, new RmsNorm(weight, checkpoint.Config.NormEpsilon, compute));
                else if (module is { Role: TensorRole.VisionProjectorBias, Weight: { } bias })
                    ProjectorBias = new VectorWeight(bias);
                else
                    _matrices.Add(key, new MatrixChange(module, checkpoint, compute));
            }
        }
        catch
        {
            Free();
            throw;
        }
    }

    /// <summary>The directory it was loaded from.</summary>
    public string Path { get; }

    /// <summary>This, if what is read of an image depends on it; else null, and images are shared with those who have no adapter.</summary>
    internal Adapter? OfImages => _changesImages ? this : null;

    internal EmbeddingChange? Embedding { get; }

    /// <summary>What stands in place of the bias of the projector.</summary>
    internal VectorWeight? ProjectorBias { get; }

    internal MatrixChange? Matrix(TensorRole role, int layer) => _matrices.GetValueOrDefault((role, layer));

    internal RmsNorm? Norm(TensorRole role, int layer) => _norms.GetValueOrDefault((role, layer));

    /// <summary>Keeps the memory until <see cref="Release"/>.</summary>
    /// <exception cref="ArgumentException">It belongs to another model.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed and its memory is gone.</exception>
    internal void Acquire(Compute compute)
    {
        if (compute != _compute)
            throw new ArgumentException("the adapter belongs to another model");
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed && _users == 0, this);
            _users++;
        }
    }

    internal void Release()
    {
        lock (_gate)
            if (--_users == 0 && _disposed)
                Free();
    }

    /// <summary>Frees the memory when no sequence uses it any more, and until then it serves on.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (!_disposed && _users == 0)
                Free();
            _disposed = true;
        }
    }

    void Free()
    {
        _files.Dispose();
        foreach (var norm in _norms.Values)
            norm.Dispose();
        ProjectorBias?.Dispose();
    }
}
