using Cria.Models;

namespace Cria.Generation;

/// <summary>
/// The guessed tokens of one conversation, and how many are worth guessing: twice as many after all were right, as many as were
/// right otherwise. After steps without one right guess it pauses, longer each time, and where fewer guesses are right than pay for what
/// they all cost, longest: so a text that cannot be guessed costs little.
/// </summary>
/// <param name="kind">How they are made.</param>
/// <param name="isConstrained">Whether a constraint may foresee tokens, whatever the kind.</param>
sealed class Guesses(Speculation kind, bool isConstrained = false)
{
    const int Longest = 16, LongestPause = 64;

    int _length = 4;
    int _misses;
    double _rate = 1; // of right guesses, the latest counting most
    int _pause;
    int _followed; // of the conversation's tokens

    public Speculation Kind => kind;

    /// <summary>The tokens guessed to come next.</summary>
    public List<int> Ids { get; } = [];

    /// <summary>The most that can ever be guessed at once.</summary>
    public int Most => kind == Speculation.Off && !isConstrained ? 0 : Longest;

    /// <summary>The draft model's own state.</summary>
    public Sequence? Draft { get; set; }

    /// <summary>What the draft model reads: the tokens but for images, which it does not see.</summary>
    public List<int> Text { get; } = [];

    /// <summary>How many to guess in this step.</summary>
    public int Wanted(int most)
    {
        if (_pause == 0)
            return Math.Clamp(most, 0, _length);
        _pause--;
        return 0;
    }

    /// <summary>Takes in how many were right, and what a guess costs in parts of a step.</summary>
    public void Learn(int accepted, double cost)
    {
        if (Ids.Count == 0)
            return;
        _misses = accepted > 0 ? 0 : _misses + 1;
        _rate = double.Lerp(_rate, (double)accepted / Ids.Count, 0.25);
        _pause = _rate < cost ? LongestPause : _misses < 2 ? 0 : Math.Min(1 << _misses, LongestPause);
        _length = accepted >= Ids.Count ? Math.Min(2 * Math.Max(_length, Ids.Count), Longest) : Math.Max(1, accepted);
        Ids.Clear();
    }

    /// <summary>Takes the new tokens of a conversation into <see cref="Text"/>.</summary>
    public void Follow(ReadOnlySpan<int> ids)
    {
        foreach (var id in ids[_followed..])
            if (id >= 0)
                Text.Add(id);
        _followed = ids.Length;
    }

    /// <summary>Guesses what followed the longest earlier place, of equal ones the latest, that ends with the same tokens as the text; two at least.</summary>
    public void LookUp(ReadOnlySpan<int> text, int count)
    {
        if (count == 0)
            return;
        const int longest = 32;
        var (best, after) = (1, 0);
        var before = text[..^1];
        for (var at = before.LastIndexOf(text[^1]); at > 0 && best < longest; at = before[..at].LastIndexOf(text[^1]))
        {
            var length = 1;
            while (length < longest && length <= at && text[at - length] == text[^(1 + length)])
                length++;
            if (length > best)
                (best, after) = (length, at + 1);
        }
        if (best > 1)
            foreach (var id in text[after..Math.Min(after + count, text.Length)])
            {
                if (id < 0)
                    return; // an image
                Ids.Add(id);
            }
    }

    public void Free()
    {
        Draft?.Dispose();
        Draft = null;
        Ids.Clear();
        Text.Clear();
        _followed = 0;
    }
}
