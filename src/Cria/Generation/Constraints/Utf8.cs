namespace Cria.Generation.Constraints;

/// <summary>The UTF-8 sequences of characters (RFC 3629).</summary>
static class Utf8
{
    public static Regular Of(Regulars regulars, CharacterSet set)
    {
        var sequences = new List<Regular>();
        foreach (var (first, last) in set.Ranges)
            foreach (var (low, high, bytes) in new[] { (0, 0x7F, 1), (0x80, 0x7FF, 2), (0x800, 0xFFFF, 3), (0x10000, 0x10FFFF, 4) })
                if (first <= high && last >= low)
                    Add(Math.Max(first, low), Math.Min(last, high), bytes, []);
        return regulars.Or(sequences);

        // Splits where not all of the later bytes are free.
        void Add(int first, int last, int bytes, Regular[] lead)
        {
            var shift = 6 * (bytes - 1);
            var isLead = lead.Length == 0;
            for (var at = first; at <= last;)
            {
                var head = at >> shift;
                var rest = (1 << shift) - 1;
                if (bytes == 1 || (at & rest) == 0 && (last & rest) == rest)
                {
                    sequences.Add(regulars.Concat([.. lead, Range(head, last >> shift, bytes, isLead), .. Enumerable.Repeat(Range(0, 63, 1, false), bytes - 1)]));
                    return;
                }
                var end = Math.Min(last, at | rest);
                if ((at & rest) == 0 && last >> shift > head)
                {
                    end = (last >> shift << shift) - 1;
                    Add(at, end, bytes, lead);
                }
                else
                    Add((at & rest) | 0, end & rest, bytes - 1, [.. lead, Range(head, head, bytes, isLead)]);
                at = end + 1;
            }
        }

        Regular Range(int first, int last, int bytes, bool isLead)
        {
            var mark = !isLead ? 0x80 : bytes switch { 1 => 0, 2 => 0xC0, 3 => 0xE0, _ => 0xF0 };
            return regulars.Bytes(ByteSet.Range(mark | first, mark | last));
        }
    }
}
