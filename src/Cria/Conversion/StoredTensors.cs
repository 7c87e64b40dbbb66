using Cria.Formats;
using Cria.Tensors;

namespace Cria.Conversion;

/// <summary>
/// The tensors in which Hugging Face and GGUF store a model. They are those of the roles but that the embedding of a vision model has the
/// rows for images behind its own, and that patches are embedded by a matrix of four dimensions.
/// </summary>
static class StoredTensors
{
    public static IEnumerable<(TensorRole Role, int Layer, long[] Shape)> Of(ModelConfig config)
    {
        foreach (var (role, layer) in TensorRoles.All(config))
        {
            var shape = TensorRoles.Shape(role, config);
            if (role == TensorRole.ImageEmbedding)
                continue;
            if (role == TensorRole.Embedding && config.Vision is not null)
                shape[0] += ModelConfig.ImageRows;
            if (role == TensorRole.VisionPatch)
                shape = [shape[0], 3, config.Vision!.PatchSize, config.Vision.PatchSize];
            yield return (role, layer, shape);
        }
    }

    /// <summary>Writes the whole of such a tensor, as <see cref="PartWriter"/> writes those it is made of.</summary>
    public static void Write(this PartWriter part, Checkpoint model, TensorRole role, int layer, ElementType type, Func<long, long>? rowAt, Stream stream, float[]? importance = null)
    {
        part.Write(model.Get(role, layer), type, rowAt, stream, importance);
        if (role == TensorRole.Embedding && model.Config.Vision is not null)
            part.Write(model.Get(TensorRole.ImageEmbedding), type, null, stream, importance);
    }
}
