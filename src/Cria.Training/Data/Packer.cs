namespace Cria.Training.Data;

/// <summary>Where a packer stands: the next document to read, and those read but not yet placed.</summary>
sealed record PackerState(long Next, long[] Pending);

/// <summary>
/// Packs whole documents into rows: the document that waits longest first, then whatever fits best of the next few. Documents are a
/// pure function of their index, so the state is small. Not thread-safe.
/// </summary>
/// <param name="document">The document at an index.</param>
/// <param name="rowLength">Tokens a row, S.</param>
sealed class Packer(Func<long, TrainingDocument> document, int rowLength)
{
    const int Lookahead = 64;

    readonly List<(long Index, TrainingDocument Document)> _pending = [];
    long _next;

    /// <summary>Tokens a row, S.</summary>
    public int RowLength => rowLength;

    public PackerState State
    {
        get => new(_next, [.. _pending.Select(p => p.Index)]);
        set
        {
            _next = value.Next;
            _pending.Clear();
            _pending.AddRange(value.Pending.Select(i => (i, document(i))));
        }
    }

    /// <summary>The next rows.</summary>
    /// <exception cref="CriaException">A document is longer than a row.</exception>
    public PackedRows Next(int rows)
    {
        var packed = new PackedRows(rows, rowLength);
        for (var row = 0; row < rows; row++)
        {
            var used = 0;
            for (var segment = 0; Take(used, rowLength - used) is { } taken; segment++)
            {
                packed.Place(row, used, segment, taken);
                used += taken.Tokens.Length;
            }
        }
        return packed;
    }

    TrainingDocument? Take(int used, int room)
    {
        while (_pending.Count < Lookahead)
        {
            var read = document(_next);
            if (read.Tokens.Length > rowLength)
                throw new CriaException($"document {_next} has {read.Tokens.Length} tokens, a row {rowLength}");
            _pending.Add((_next++, read));
        }
        var best = used == 0 ? 0 : -1;
        for (var i = 0; used > 0 && i < _pending.Count; i++)
            if (_pending[i].Document.Tokens.Length <= room && (best < 0 || _pending[i].Document.Tokens.Length > _pending[best].Document.Tokens.Length))
                best = i;
        if (best < 0)
            return null;
        var taken = _pending[best].Document;
        _pending.RemoveAt(best);
        return taken;
    }
}
