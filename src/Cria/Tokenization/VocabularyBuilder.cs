namespace Cria.Tokenization;

/// <summary>Collects the tokens of a vocabulary file in any order of ids. Its limits bound the memory that a hostile file can ask for.</summary>
sealed class VocabularyBuilder
{
    /// <summary>Bytes of one token; Llama 3's longest has 128.</summary>
    public const int MaxToken = 1024;

    /// <summary>Ids are below this; Llama 3 has 128256.</summary>
    public const int MaxId = 1 << 19;

    const int MaxBytes = 8 << 20;

    readonly List<int> _starts = [];    // by id, -1 where there is none
    readonly List<short> _lengths = [];
    byte[] _bytes = new byte[1 << 12];
    int _used;

    /// <summary>One more than the highest id.</summary>
    public int Count => _starts.Count;

    /// <summary>Adds a token of 1 to <see cref="MaxToken"/> bytes; `where` names it in errors.</summary>
    public void Add(int id, ReadOnlySpan<byte> token, string where)
    {
        if (id is < 0 or >= MaxId)
            throw new CriaException($"{where} has the id {id}, not one from 0 to {MaxId - 1}");
        while (_starts.Count <= id)
        {
            _starts.Add(-1);
            _lengths.Add(0);
        }
        if (_starts[id] >= 0)
            throw new CriaException($"{where} has the id {id} of another token");
        if (_used + token.Length > MaxBytes)
            throw new CriaException($"{where} is beyond {MaxBytes} bytes of tokens");
        if (_used + token.Length > _bytes.Length)
            Array.Resize(ref _bytes, 2 * _bytes.Length);
        token.CopyTo(_bytes.AsSpan(_used));
        (_starts[id], _lengths[id]) = (_used, (short)token.Length);
        _used += token.Length;
    }

    /// <summary>Takes the tokens off the end that are missing or `isOther`.</summary>
    public void TrimEnd(Func<int, bool> isOther)
    {
        var count = Count;
        while (count > 0 && (_starts[count - 1] < 0 || isOther(count - 1)))
            count--;
        _starts.RemoveRange(count, Count - count);
        _lengths.RemoveRange(count, _lengths.Count - count);
    }

    /// <summary>The vocabulary of ids 0 to Count - 1; every byte must have a token.</summary>
    public Vocabulary Build()
    {
        if (Count == 0)
            throw new CriaException("no tokens");
        if (_starts.IndexOf(-1) is var hole and >= 0)
            throw new CriaException($"no token has the id {hole}");
        var offsets = new int[Count + 1];
        for (var id = 0; id < Count; id++)
            offsets[id + 1] = offsets[id] + _lengths[id];
        var bytes = new byte[offsets[^1]];
        for (var id = 0; id < Count; id++)
            _bytes.AsSpan(_starts[id], _lengths[id]).CopyTo(bytes.AsSpan(offsets[id]));
        var vocabulary = new Vocabulary(bytes, offsets, out var duplicate);
        if (duplicate >= 0)
            throw new CriaException($"token {duplicate} has the same bytes as an earlier one");
        for (var b = 0; b < 256; b++)
            if (vocabulary.Find([(byte)b]) < 0)
                throw new CriaException($"no token for the byte 0x{b:X2}");
        return vocabulary;
    }
}
