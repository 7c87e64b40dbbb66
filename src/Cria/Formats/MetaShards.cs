using Cria.Tensors;

namespace Cria.Formats;

/// <summary>
/// Puts the tensors of a model together that was trained in parallel (spec section 3): matrices are cut by their outputs, attention's
/// output projection and the second matrix of the SwiGLU by their inputs, and vectors are the same in all shards.
/// </summary>
static class MetaShards
{
    static readonly string[] CutByInputs = [".attention.wo.weight", ".feed_forward.w2.weight"];

    /// <summary>
    /// Every tensor once, by the names of the first shard. What does not lie in one piece in a file is gathered when it is first read;
    /// all of it together is at most as large as the files.
    /// </summary>
    /// <param name="files">The shards in order.</param>
    /// <param name="gathered">Gets the memory for tensors that are gathered.</param>
    /// <param name="tied">Whether the output matrix is missing or the embedding under another name; it is then left out.</param>
    public static List<Tensor> Join(IReadOnlyList<PthFile> files, List<GatheredMemory> gathered, out bool tied)
    {
        var byName = files.Select(f => f.Tensors.ToDictionary(t => t.Name)).ToList();
        var parts = files[0].Tensors.ToDictionary(t => t.Name, t => t.Shape.Length < 2 ? [t] : byName.Select((shard, i) => shard.GetValueOrDefault(t.Name)
            ?? throw new CriaException($"{files[i].Path}: no tensor {OneLine.Cut(t.Name)}, which the first shard has")).ToArray());
        var output = parts.GetValueOrDefault(TensorNames.Meta.Of(TensorRole.Output));
        tied = output is null || (parts.GetValueOrDefault(TensorNames.Meta.Of(TensorRole.Embedding)) is { } embedding
            && embedding.Length == output.Length && embedding.Zip(output).All(p => p.First.IsSameAs(p.Second)));
        if (tied)
            parts.Remove(TensorNames.Meta.Of(TensorRole.Output));
        var tensors = parts.Values.Select(p => Join(p, gathered)).ToList();
        var (copied, available) = (gathered.Sum(g => (decimal)g.Length), files.Sum(f => f.Length));
        return copied <= available ? tensors
            : throw new CriaException($"{files[0].Path}: its tensors share their elements in orders whose copies would take {copied} bytes, more than the {available} of the files");
    }

    static Tensor Join(StridedView[] parts, List<GatheredMemory> gathered)
    {
        var first = parts[0];
        var axis = CutByInputs.Any(end => first.Name.EndsWith(end, StringComparison.Ordinal)) ? 1 : 0;
        foreach (var part in parts)
            if (part.Type != first.Type || part.Shape.Length != first.Shape.Length || part.Shape.Where((d, i) => i != axis && d != first.Shape[i]).Any())
                throw new CriaException($"{part.File.Path}: {OneLine.Cut(part.Name)} has another type or shape than in the first shard");
        return StridedView.Join(parts, axis, gathered);
    }
}
