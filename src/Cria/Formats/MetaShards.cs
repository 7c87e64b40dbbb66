using Cria.Tensors;

namespace Cria.Formats;

/// <summary>
/// Puts the tensors of a model together that was trained in parallel (spec section 3, spec llama32-vision 5.4): matrices are cut by their
/// outputs, and so are the biases of such; the second matrix of attention and of the feed-forward part is cut by its inputs; other vectors and
/// the tables of the vision encoder are the same in all shards.
/// </summary>
static class MetaShards
{
    static readonly string[] CutByInputs = [".attention.wo.weight", ".feed_forward.w2.weight", ".attn.wo.weight", ".mlp.c_proj.weight"];
    static readonly string[] CutBiases = [".mlp.c_fc.bias", ".vision_projection.bias"];
    static readonly string[] Tables = ["positional_embedding", "_tile_pos_embed.embedding"];

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
        var parts = files[0].Tensors.ToDictionary(t => t.Name, t => !IsCut(t) ? [t] : byName.Select((shard, i) => shard.GetValueOrDefault(t.Name)
            ?? throw new CriaException($"{files[i].Path}: no tensor {OneLine.Cut(t.Name)}, which the first shard has")).ToArray());
        var text = parts.ContainsKey(TensorNames.MetaText + TensorNames.Meta.Embedding) ? TensorNames.MetaText : "";
        var output = parts.GetValueOrDefault(text + TensorNames.Meta.Output);
        tied = output is null || (parts.GetValueOrDefault(text + TensorNames.Meta.Embedding) is { } embedding
            && embedding.Length == output.Length && embedding.Zip(output).All(p => p.First.IsSameAs(p.Second)));
        if (tied)
            parts.Remove(text + TensorNames.Meta.Output);
        var tensors = parts.Values.Select(p => Join(p, gathered)).ToList();
        var (copied, available) = (gathered.Sum(g => (decimal)g.Length), files.Sum(f => f.Length));
        return copied <= available ? tensors
            : throw new CriaException($"{files[0].Path}: its tensors share their elements in orders whose copies would take {copied} bytes, more than the {available} of the files");
    }

    static bool IsCut(StridedView t) => t.Shape.Length < 2 ? EndsWithAny(t, CutBiases) : !EndsWithAny(t, Tables);

    static bool EndsWithAny(StridedView t, string[] ends) => Array.Exists(ends, end => t.Name.EndsWith(end, StringComparison.Ordinal));

    static Tensor Join(StridedView[] parts, List<GatheredMemory> gathered)
    {
        var first = parts[0];
        var axis = EndsWithAny(first, CutByInputs) ? 1 : 0;
        foreach (var part in parts)
            if (part.Type != first.Type || part.Shape.Length != first.Shape.Length || part.Shape.Where((d, i) => i != axis && d != first.Shape[i]).Any())
                throw new CriaException($"{part.File.Path}: {OneLine.Cut(part.Name)} has another type or shape than in the first shard");
        return StridedView.Join(parts, axis, gathered);
    }
}
