using Cria.Tokenization;

namespace Cria.Generation.Constraints;

/// <summary>A text under a constraint as it is written. For one thread.</summary>
public sealed class ConstraintMatcher
{
    readonly Constraint _constraint;
    readonly Tokenizer _tokenizer;
    readonly ulong[] _mask;
    ParserState _state;
    bool _isMasked; // whether the mask is of the state

    internal ConstraintMatcher(Constraint constraint, Tokenizer tokenizer, ParserState state) =>
        (_constraint, _tokenizer, _state, _mask) = (constraint, tokenizer, state, new ulong[TokenSlices.Of(tokenizer).Words]);

    /// <summary>Whether the text may end here.</summary>
    public bool IsComplete => _state.IsAccepting;

    /// <summary>Whether nothing may follow.</summary>
    public bool IsOver => _state.Items.Length == 0;

    /// <summary>The tokens that may follow, one bit for each id from the lowest bit of the first word on; until the next token is added.</summary>
    public ReadOnlySpan<ulong> Mask
    {
        get
        {
            if (!_isMasked)
                _constraint.WriteMask(_state, _tokenizer, _mask);
            _isMasked = true;
            return _mask;
        }
    }

    /// <summary>Whether a token may follow.</summary>
    public bool IsAllowed(int token) => (uint)token < (uint)(Mask.Length * 64) && (Mask[token >> 6] >> token & 1) != 0;

    /// <summary>Adds a token if it is allowed.</summary>
    /// <returns>Whether it is; if not, nothing has changed.</returns>
    public bool TryAdvance(int token)
    {
        if (!IsAllowed(token))
            return false;
        Become(After(token));
        return true;
    }

    /// <summary>What would follow an allowed token.</summary>
    internal Ahead After(int token) => new(_constraint, _constraint.Advance(_state, TokenSlices.Of(_tokenizer).BytesOf(token)));

    /// <summary>What follows now.</summary>
    internal Ahead After() => new(_constraint, _state);

    /// <summary>What must follow but for blanks, at most so many bytes.</summary>
    internal byte[] Foreseen(int most) => _constraint.Foreseen(_state, most);

    internal void Become(Ahead ahead) => (_state, _isMasked) = (ahead.State, false);

    internal readonly record struct Ahead(Constraint Constraint, ParserState State)
    {
        /// <summary>Bytes of the shortest end of the text.</summary>
        public long Least => Constraint.Least(State);

        /// <summary>One of the shortest ends.</summary>
        public byte[] ShortestEnd() => Constraint.ShortestEnd(State);
    }
}
