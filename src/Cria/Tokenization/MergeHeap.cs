using System.Buffers;

namespace Cria.Tokenization;

/// <summary>A binary heap of (rank, position), lowest rank first, then leftmost, in pooled memory.</summary>
struct MergeHeap(int capacity)
{
    ulong[] _items = ArrayPool<ulong>.Shared.Rent(capacity + 1);
    int _count;

    public void Push(int rank, int position)
    {
        if (_count == _items.Length)
        {
            var larger = ArrayPool<ulong>.Shared.Rent(2 * _count);
            _items.CopyTo(larger, 0);
            Return();
            _items = larger;
        }
        var item = (ulong)rank << 32 | (uint)position;
        var i = _count++;
        for (int parent; i > 0 && _items[parent = (i - 1) / 2] > item; i = parent)
            _items[i] = _items[parent];
        _items[i] = item;
    }

    public bool TryPop(out int rank, out int position)
    {
        if (_count == 0)
        {
            (rank, position) = (0, 0);
            return false;
        }
        (rank, position) = ((int)(_items[0] >> 32), (int)_items[0]);
        var last = _items[--_count];
        var i = 0;
        for (var child = 1; child < _count; child = 2 * i + 1)
        {
            if (child + 1 < _count && _items[child + 1] < _items[child])
                child++;
            if (_items[child] >= last)
                break;
            _items[i] = _items[child];
            i = child;
        }
        _items[i] = last;
        return true;
    }

    public readonly void Return() => ArrayPool<ulong>.Shared.Return(_items);
}
