using static TorchSharp.torch;

namespace Cria.Training.Data;

/// <summary>Rows of packed documents. A document sees only itself and its positions start at 0; padding is a segment of its own without labels.</summary>
sealed class PackedRows
{
    readonly int _rows, _length;
    readonly long[] _tokens, _positions, _segments, _labels;

    public PackedRows(int rows, int length)
    {
        (_rows, _length) = (rows, length);
        (_tokens, _positions, _segments, _labels) = (new long[rows * length], new long[rows * length], new long[rows * length], new long[rows * length]);
        Array.Fill(_segments, -1);
        Array.Fill(_labels, TrainingDocument.NoLabel);
        for (var i = 0; i < _positions.Length; i++)
            _positions[i] = i % length;
    }

    /// <summary>Places a document.</summary>
    public void Place(int row, int at, int segment, TrainingDocument document)
    {
        for (var i = 0; i < document.Tokens.Length; i++)
        {
            var place = row * _length + at + i;
            (_tokens[place], _positions[place], _segments[place], _labels[place]) = (document.Tokens[i], i, segment, document.Labels[i]);
        }
        Documents++;
    }

    public int Documents { get; private set; }

    /// <summary>Tokens with padding.</summary>
    public int Count => _tokens.Length;

    /// <summary>Tokens without padding.</summary>
    public int TokenCount => _segments.Count(s => s >= 0);

    /// <summary>Places with a label.</summary>
    public int LabelCount => _labels.Count(l => l != TrainingDocument.NoLabel);

    /// <summary>[B, S] I64.</summary>
    public Tensor Tokens() => tensor(_tokens, [_rows, _length]);

    /// <summary>[B, S] I64.</summary>
    public Tensor Positions() => tensor(_positions, [_rows, _length]);

    /// <summary>[B, 1, S, S], true where a query (third dimension) may look at a key: the same segment, not later.</summary>
    public Tensor Mask()
    {
        using var segments = tensor(_segments, [_rows, 1, _length]);
        using var causal = ones([_length, _length], dtype: ScalarType.Bool).tril();
        return (segments.unsqueeze(3).eq(segments.unsqueeze(2)) & causal);
    }

    /// <summary>Places with a label as indices into the flattened rows, and their labels: [N] I64 each.</summary>
    public (Tensor Places, Tensor Labels) Targets()
    {
        long[] places = [.. Enumerable.Range(0, _labels.Length).Where(i => _labels[i] != TrainingDocument.NoLabel).Select(i => (long)i)];
        return (tensor(places), tensor(places.Select(p => _labels[p]).ToArray()));
    }
}
